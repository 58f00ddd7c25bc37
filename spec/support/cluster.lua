--- PostgreSQL servers of a spec's own, beside the one that `make test` starts: to be stopped, or to stand by.
--
--     local primary <close> = cluster.start()
--     local standby <close> = cluster.start { standby_of = primary }
--     primary.url, primary.folder      the folder of its socket
--     primary:stop()                   at once, as a crash would
--
-- Each lives as long as its pipe is open, so none outlasts the specs.

local core = require("lualchemy._core")

local Server = {}
Server.__index = Server

local M = {}

local START = "env -u LD_PRELOAD LUALCHEMY_TEST_URL= LUALCHEMY_STANDBY_OF='%s' sh spec/support/with_postgresql.sh "
  .. "sh -c 'echo \"$LUALCHEMY_TEST_URL\"; read -r _' >%s 2>&1"

-- Waits until the server's output has a URL.
local function read_url(path)
  local signal <close> = core.signal()
  local deadline, text = core.clock() + 60
  repeat
    core.poll(signal:pollfd(), "r", 0.02)
    local file = io.open(path)
    text = file and file:read("a") or ""
    if file then file:close() end
    local url = text:match("(postgresql://%S+)\n")
    if url then return url end
  until core.clock() > deadline
  error("no server: " .. text, 0)
end

--- Starts a server and waits until it answers.
---@param options { standby_of: table? }?
function M.start(options)
  local primary = options and options.standby_of
  local output = os.tmpname()
  local server = setmetatable({ _pipe = io.popen(START:format(primary and primary.url or "", output), "w") }, Server)
  server.url = read_url(output)
  server.folder = server.url:match("host=(.*)$")
  os.remove(output)
  return server
end

--- Stops it without a goodbye to its clients.
function Server:stop()
  if self._pipe then self._pipe:close() end
  self._pipe = nil
end

Server.__close = Server.stop

return M
