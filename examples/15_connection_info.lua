-- Who did it, without a session: the program tells the connection who the user is, a column default asks the connection.
-- What is left on a connection is taken off when it comes back to the pool.
--
--     lua5.4 examples/15_connection_info.lua [URL]

local sa = require("lualchemy")

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
local metadata = sa.MetaData()

local function current_user(context) return context.connection.info.updated_by end

local records = sa.Table("info_records", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("updated_by", sa.Integer, { default = current_user, onupdate = current_user }),
  sa.Column("data", sa.String(40)))

-- The table `info` belongs to the physical connection and lives as long.
sa.event.listen(engine, "connect", function(_, record) record.info.connected_at = os.time() end)

metadata:drop_all(engine)
metadata:create_all(engine)

local function show(conn)
  for row in conn:execute(records:select():order_by(records.c.id)) do print(row.id, row.updated_by, row.data) end
end

do
  local conn <close> = engine:connect()
  conn.info.updated_by = 123
  conn:execute(records:insert(), { data = "inserted" })
  show(conn)
  conn.info.updated_by = 456
  conn:execute(records:update():where(records.c.data:eq("inserted")), { data = "updated" })
  show(conn)
  conn:execute(records:insert(), { data = "said outright", updated_by = 1 })
  show(conn)
  conn:commit()
end

do
  local conn <close> = engine:connect()
  print("without a listener the next one is taken for", conn.info.updated_by)
end

-- A listener of checkin is the place to clean up that nobody can forget.
sa.event.extend(engine.pool, {
  checkin = function(_, _, record) record.info.updated_by = nil end,
})

do
  local conn <close> = engine:connect()
  conn.info.updated_by = 789
  conn:execute(records:insert(), { data = "new row" })
  show(conn)
  conn:commit()
end

do
  local conn <close> = engine:connect()
  print("with it for", conn.info.updated_by, "and connected_at is a", math.type(conn.info.connected_at))
end

metadata:drop_all(engine)
