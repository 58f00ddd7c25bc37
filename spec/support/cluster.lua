--- PostgreSQL servers of a spec's own, beside the one that `make test` starts: to be stopped, or to stand by.
--
--     local primary <close> = cluster.start()
--     local standby <close> = cluster.start { standby_of = primary }
--     primary.url, primary.folder      the folder of its socket
--     primary:stop()                   at once, as a crash would
--     local proxy <close> = cluster.pgbouncer(primary)     pools transactions
--
-- Each lives as long as its pipe is open, so none outlasts the specs.

local core = require("lualchemy._core")

local Server = {}
Server.__index = Server

local M = {}

-- Says its URL and waits for the end of the pipe.
local WAITER = "sh -c 'echo \"$LUALCHEMY_TEST_URL\"; read -r _'"

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

-- A server of one of the scripts, once it answers.
local function run(command)
  local output = os.tmpname()
  local pipe = io.popen(("env -u LD_PRELOAD LUALCHEMY_TEST_URL= %s %s >%s 2>&1"):format(command, WAITER, output), "w")
  local server = setmetatable({ _pipe = pipe }, Server)
  server.url = read_url(output)
  server.folder = server.url:match("host=([^&]*)")
  os.remove(output)
  return server
end

--- Starts a server and waits until it answers.
---@param options { standby_of: table? }?
function M.start(options)
  local primary = options and options.standby_of
  return run(("LUALCHEMY_STANDBY_OF='%s' sh spec/support/with_postgresql.sh"):format(primary and primary.url or ""))
end

--- A pgbouncer before a server: transactions of all clients on two connections.
---@param server { folder: string }
---@param settings string?     further lines of its configuration
function M.pgbouncer(server, settings)
  return run(("PGBOUNCER_SETTINGS='%s' sh spec/support/with_pgbouncer.sh '%s'"):format(settings or "", server.folder))
end

--- Stops it without a goodbye to its clients.
function Server:stop()
  if self._pipe then
    self._pipe:write("\n")      -- a server that ctl started holds the pipe open, too
    self._pipe:close()
  end
  self._pipe = nil
end

Server.__close = Server.stop

--- pg_ctl: `server:ctl("restart", "-m", "immediate")`; waits until it is done.
function Server:ctl(...)
  local command = table.concat({ "sh spec/support/with_postgresql.sh --ctl", self.folder, ... }, " ")
  assert(os.execute(command), command)
end

--- The process that all others of the server are children of.
---@return integer
function Server:pid()
  local pipe <close> = io.popen(("head -n 1 %s/data/postmaster.pid"):format(self.folder))
  return pipe:read("n")
end

return M
