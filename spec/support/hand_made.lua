-- Mapped classes made by hand, with what the runtime reads of a mapper and nothing else: its specs test the runtime
-- alone. Users have addresses, nodes form a tree, tags and posts know each other through post_tags.

local core = require("lualchemy._core")
local instrument = require("lualchemy.orm.instrument")
local schema = require("lualchemy.schema")
local types = require("lualchemy.types")

local M = { loads = 0 }

local cascade_names = { "save_update", "delete", "delete_orphan", "merge", "expunge", "refresh_expire" }

local function cascade(...)
  local set = {}
  for _, name in ipairs(cascade_names) do set[name] = false end
  for _, name in ipairs({ ... }) do set[name] = true end
  return set
end
M.cascade = cascade
M.all = cascade("save_update", "delete", "merge", "expunge", "refresh_expire")
M.all_delete_orphan = cascade(table.unpack(cascade_names))
M.default = cascade("save_update", "merge")

-- The values an instance has for the local side of a join, or nil if one is NULL.
local function local_values(instance, prop)
  local values = {}
  for i, pair in ipairs(prop.local_remote_pairs) do
    local value = instance[prop.parent:property_for_column(pair[1]).key]
    if value == nil then return nil end
    values[i] = value
  end
  return values
end

-- A lazy loader: one SELECT through the session's connection, rows to objects by the core's loader.
local function load(instance, prop)
  local session = require("lualchemy.orm.session").object_session(instance)
  session:_autoflush()
  M.loads = M.loads + 1
  local values = local_values(instance, prop)
  if not values then return prop.uselist and {} or nil end
  local target, names, positions = prop.mapper, {}, {}
  for i, own in ipairs(target.properties) do
    if own.kind == "column" then
      names[i], positions[own.slot] = "t." .. own.column.name, i
    end
  end
  local from, mark = target.local_table.name .. " AS t", session.bind.dialect.name == "postgresql" and "$1" or "?"
  local where = ("t.%s = %s"):format(prop.local_remote_pairs[1][2].name, mark)
  if prop.secondary then
    local there = prop.secondary_synchronize_pairs[1]
    from = ("%s JOIN %s AS s ON t.%s = s.%s"):format(from, prop.secondary.name, there[1].name, there[2].name)
    where = ("s.%s = %s"):format(prop.synchronize_pairs[1][2].name, mark)
  end
  local result = session:connection():exec_driver_sql(("SELECT %s FROM %s WHERE %s ORDER BY t.%s"):format(table.concat(names, ", "), from, where,
    target.primary_key[1].name),
    values)
  local loader = core.loader_new(session._c, result._run, { { plan = target._c, columns = positions } }, {})
  local list = {}
  loader:fetch(list, 0)
  if prop.uselist then return list end
  return list[1]
end

local serial = 0

local Mapper = {}
Mapper.__index = Mapper
function Mapper:property_for_column(column) return self.by_column[column] end
function Mapper:isa(other) return self == other end
function Mapper:install()
  instrument.install(self)
  self.loader = load
end

--- A mapper of a class over a table; relationships as the runtime wants them.
function M.mapper(name, table_, relationships, options)
  local class = {}
  class.__index = class
  serial = serial + 1
  local m = setmetatable({ class_ = class, class_name = name, local_table = table_, persist_selectable = table_, properties = {},
    property_by_key = {}, by_column = {}, primary_key = {}, serial = serial }, Mapper)
  for key, value in pairs(options or {}) do m[key] = value end
  for _, column in ipairs(table_.primary_key.columns) do m.primary_key[#m.primary_key + 1] = column end
  m.base_mapper, m.inheriting, m.tables = m, {}, { table_ }
  m.levels = { { table = table_, mapper = m, keys = m.primary_key, pairs = {} } }
  for _, column in ipairs(table_.c) do
    local prop = { kind = "column", key = column.key, columns = { column }, column = column, parent = m }
    m.properties[#m.properties + 1] = prop
    m.by_column[column] = prop
  end
  for _, prop in ipairs(relationships or {}) do
    prop.kind, prop.parent = "relationship", m
    prop.cascade = prop.cascade or M.default
    m.properties[#m.properties + 1] = prop
  end
  for _, prop in ipairs(m.properties) do m.property_by_key[prop.key] = prop end
  return class, m
end

local function both(a, b) a.back_populates, b.back_populates = b, a end

local Integer, String = types.Integer, types.String

local function table_of(name, metadata, ...)
  return schema.Table(name, metadata, schema.Column("id", Integer, { primary_key = true }), ...)
end

--- The classes; options: cascade, passive_deletes of User.addresses, and whatever a mapper takes for User.
function M.family(options)
  options = options or {}
  M.loads = 0
  local metadata, Column = schema.MetaData(), schema.Column
  local users = table_of("users", metadata, Column("name", String(50)))
  local addresses = table_of("addresses", metadata, Column("email", String(50)), Column("user_id", Integer))
  local nodes = table_of("nodes", metadata, Column("name", String(50)), Column("parent_id", Integer))
  local posts, tags = table_of("posts", metadata, Column("title", String(50))), table_of("tags", metadata, Column("word", String(50)))
  local post_tags = schema.Table("post_tags", metadata, Column("post_id", Integer), Column("tag_id", Integer))
  local points = schema.Table("points", metadata, Column("x", Integer, { primary_key = true, autoincrement = false }),
    Column("y", String(10), { primary_key = true }), Column("label", String(50)))

  local user_addresses = { key = "addresses", direction = "ONETOMANY", uselist = true, cascade = options.cascade,
    passive_deletes = options.passive_deletes, local_remote_pairs = { { users.c.id, addresses.c.user_id } } }
  local address_user = { key = "user", direction = "MANYTOONE", uselist = false, local_remote_pairs = { { addresses.c.user_id, users.c.id } } }
  both(user_addresses, address_user)
  local children = { key = "children", direction = "ONETOMANY", uselist = true, local_remote_pairs = { { nodes.c.id, nodes.c.parent_id } },
    cascade = options.node_cascade }
  local parent = { key = "parent", direction = "MANYTOONE", uselist = false, local_remote_pairs = { { nodes.c.parent_id, nodes.c.id } } }
  both(children, parent)
  local function many(key, here, column_here, there, column_there)
    return { key = key, direction = "MANYTOMANY", uselist = true, secondary = post_tags, local_remote_pairs = { { here.c.id, column_here } },
      synchronize_pairs = { { here.c.id, column_here } }, secondary_synchronize_pairs = { { there.c.id, column_there } } }
  end
  local post_side = many("tags", posts, post_tags.c.post_id, tags, post_tags.c.tag_id)
  local tag_side = many("posts", tags, post_tags.c.tag_id, posts, post_tags.c.post_id)
  both(post_side, tag_side)

  local f = {}
  local user_mapper, address_mapper, node_mapper, post_mapper, tag_mapper, point_mapper
  f.User, user_mapper = M.mapper("User", users, { user_addresses }, options.user)
  f.Address, address_mapper = M.mapper("Address", addresses, { address_user })
  f.Node, node_mapper = M.mapper("Node", nodes, { children, parent })
  f.Post, post_mapper = M.mapper("Post", posts, { post_side })
  f.Tag, tag_mapper = M.mapper("Tag", tags, { tag_side })
  f.Point, point_mapper = M.mapper("Point", points)
  user_addresses.mapper, address_user.mapper = address_mapper, user_mapper
  children.mapper, parent.mapper = node_mapper, node_mapper
  post_side.mapper, tag_side.mapper = tag_mapper, post_mapper
  for _, mapper in ipairs({ user_mapper, address_mapper, node_mapper, post_mapper, tag_mapper, point_mapper }) do mapper:install() end
  f.tables = { users = users, addresses = addresses, nodes = nodes, posts = posts, tags = tags, post_tags = post_tags, points = points }
  f.metadata = metadata
  return f
end

local ddl = {
  "CREATE TABLE users (id %s, name VARCHAR(50))",
  "CREATE TABLE addresses (id %s, email VARCHAR(50) NOT NULL, user_id INTEGER REFERENCES users (id))",
  "CREATE TABLE nodes (id %s, name VARCHAR(50), parent_id INTEGER REFERENCES nodes (id))",
  "CREATE TABLE posts (id %s, title VARCHAR(50))",
  "CREATE TABLE tags (id %s, word VARCHAR(50) UNIQUE)",
  "CREATE TABLE post_tags (post_id INTEGER REFERENCES posts (id), tag_id INTEGER REFERENCES tags (id), PRIMARY KEY (post_id, tag_id))",
  "CREATE TABLE points (x INTEGER, y VARCHAR(10), label VARCHAR(50), PRIMARY KEY (x, y))",
}

--- Until the dialects quote for themselves.
function M.ready(engine)
  if not engine.dialect.quote then engine.dialect.quote = function(_, name) return name end end
end

--- Makes the tables anew.
function M.create_tables(engine)
  local key = engine.dialect.name == "postgresql" and "SERIAL PRIMARY KEY" or "INTEGER PRIMARY KEY"
  engine:begin(function(conn)
    for i = #ddl, 1, -1 do conn:exec_driver_sql("DROP TABLE IF EXISTS " .. ddl[i]:match("TABLE (%w+_?%w*)")) end
    for _, text in ipairs(ddl) do conn:exec_driver_sql((text:format(key))) end
  end)
end

--- An instance as a plain Lua constructor makes it.
function M.new(class, fields) return setmetatable(fields or {}, class) end

--- The rows of a query, each a string of its values joined by "|".
function M.rows(engine, sql)
  local list = {}
  local conn <close> = engine:connect()
  for row in conn:exec_driver_sql(sql) do
    local values = {}
    for i = 1, #row do values[i] = tostring(row[i]) end
    list[#list + 1] = table.concat(values, "|")
  end
  return list
end

return M
