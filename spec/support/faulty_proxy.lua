--- A proxy between libpq and a PostgreSQL server that breaks a connection after the n-th byte in one direction. It runs
-- in the spec's own cqueues loop:
--
--     local proxy <close> = faulty_proxy.new(loop, url, { application_name = "x" })      more for the query of its URL
--     proxy.url                                                   the server's URL, through the proxy
--     proxy:arm { direction = "up", after = 120, mode = "cut" }   for the next connection
--     proxy.bytes.up, proxy.bytes.down                            of the last connection
--
-- Modes: "cut" closes both ends; "reset" does so with RST; "stall" leaves them open and moves nothing any more.

local reset = require("reset")
local sa = require("lualchemy")
local socket = require("cqueues.socket")

local Proxy = {}
Proxy.__index = Proxy

local function upstream_of(url)
  local host = url.host or url.query.host
  local port = url.port or url.query.port or 5432
  if host and host:sub(1, 1) == "/" then return { path = ("%s/.s.PGSQL.%s"):format(host, port) } end
  return { host = host or "127.0.0.1", port = port }
end

local function through(url, port, more)
  local query = {}
  for _, part in ipairs { url.query, more or {} } do
    for key, value in pairs(part) do query[key] = value end
  end
  query.host, query.port, query.sslmode = "127.0.0.1", tostring(port), "disable"
  return sa.make_url { drivername = url.drivername, username = url.username, password = url.password, database = url.database,
    query = query }
end

local function quiet(sock)
  sock:onerror(function(_, _, err) return err end)
  sock:setmode("b", "bn")
  return sock
end

-- Moves bytes one way until an end closes or the fault strikes.
function Proxy:_pump(link, direction, from, to)
  while not link.broken do
    local chunk = from:read(-4096)
    if not chunk or link.broken then break end
    local fault, before = link.fault, self.bytes[direction]
    if fault and fault.direction == direction and before + #chunk > fault.after then
      chunk = chunk:sub(1, fault.after - before)
      link.broken = true
      self.struck = true
    end
    self.bytes[direction] = before + #chunk
    if #chunk > 0 and not to:write(chunk) then break end
  end
  if link.broken and link.fault.mode == "reset" then assert(reset(link.client:pollfd())) end
  if link.broken and link.fault.mode == "stall" then
    while from:read(-4096) do end       -- until the client gives up
  end
  for _, sock in ipairs { link.client, link.server } do sock:shutdown("rw") end
  link.open = link.open - 1
  if link.open > 0 then return end
  link.client:close()
  link.server:close()
end

function Proxy:_serve(client)
  local link = { client = quiet(client), server = quiet(socket.connect(self._upstream)), fault = self._fault, open = 2 }
  self._fault, self.bytes, self.struck = nil, { up = 0, down = 0 }, false
  self._loop:wrap(function() self:_pump(link, "up", link.client, link.server) end)
  self:_pump(link, "down", link.server, link.client)
end

--- The fault of the next connection; nil: none.
function Proxy:arm(fault) self._fault = fault end

-- Accepts until the proxy is closed, which it looks for now and then.
function Proxy:_accept()
  while not self.closed do
    local client = self._listener:accept(0.02)
    if client then self._loop:wrap(function() self:_serve(client) end) end
  end
  self._listener:close()
end

function Proxy:close() self.closed = true end
Proxy.__close = Proxy.close

local function new(loop, url, query)
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  local _, _, port = listener:localname()
  url = sa.make_url(url)
  local self = setmetatable({ _loop = loop, _listener = listener, bytes = { up = 0, down = 0 }, struck = false,
    url = through(url, port, query), _upstream = upstream_of(url) }, Proxy)
  loop:wrap(function() self:_accept() end)
  return self
end

return { new = new }
