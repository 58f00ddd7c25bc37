-- A pool that hands out living connections only: a listener looks at each as it is checked out, and one that does not
-- answer is replaced before the program meets it. (The option pool_pre_ping does the same.)
--
--     lua5.4 examples/14_lively_connections.lua [URL]

local sa = require("lualchemy")

local url = arg and arg[1] or "sqlite://"

local LookLively = { looked = 0, dead = 0 }

-- A listener may refuse a connection, and gets another one to look at.
function LookLively:checkout(driver_connection)
  self.looked = self.looked + 1
  local alive = pcall(driver_connection.execute, driver_connection, "SELECT 1")
  if not alive then
    self.dead = self.dead + 1
    error(sa.exc.DisconnectionError("it does not answer"))
  end
end

-- The events of a connection's life. What is set here holds for everybody who gets this connection.
local Life = { opened = 0 }

function Life:first_connect() print("the first connection of the pool") end

function Life:connect(_, record)
  self.opened = self.opened + 1
  record.info.number = self.opened
end

function Life:invalidate(_, record, err) print("given up", record.info.number, err and err.message) end

local engine = sa.create_engine(url, { listeners = { LookLively, Life }, pool_size = 1 })

-- Ends the connection at its other end, as a server does that restarts. SQLite has no other end; there it is closed.
local function cut(connection)
  if engine.name ~= "postgresql" then return connection.connection:close() end
  local pid = connection:exec_driver_sql("SELECT pg_backend_pid()"):scalar()
  connection:commit()
  local other = sa.create_engine(url)
  other:begin(function(conn) conn:exec_driver_sql("SELECT pg_terminate_backend($1, 5000)", { pid }):close() end)
  other:dispose()
end

do
  local conn <close> = engine:connect()
  print("connection", conn.info.number, "says", conn:scalar(sa.select(sa.literal("hello"))))
  cut(conn)
end

do
  local conn <close> = engine:connect()
  print("connection", conn.info.number, "says", conn:scalar(sa.select(sa.literal("hello again"))))
end

print("looked at living ones", LookLively.looked - LookLively.dead)
engine:dispose()
