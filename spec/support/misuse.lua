-- misuse.lua SEED CALLS [URL]: calls public functions and methods with random wrong arguments, and uses what they make.
-- What comes out of a call is a result or an error of the library; everything else (Lua's complaint about some local
-- of ours) is printed and ends the program with status 1. The last call before a crash is in the file that MISUSE_LOG
-- names. The spec runs a few seeds; a new function that takes options or calls methods of its arguments needs a line in its
-- layer's signatures.lua.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local errors = require("lualchemy.errors")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")
local world = require("spec.support.misuse_world")

-- Properties and mappers call each other's methods in an order of their own.
local Property = orm.ColumnProperty.__super
local seed, calls, url = tonumber(arg[1]) or 1, tonumber(arg[2]) or 2000, arg[3]
math.randomseed(seed)
local function pick(list) return list[math.random(#list)] end

-- -- what is called -----------------------------------------------------------------------------------------------

-- The schema is made anew each time too: what belongs to it can be spoiled from outside.
local function schema()
  local metadata = sa.MetaData()
  local users = sa.Table("misuse_users", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("name", sa.String(50)), sa.Column("doc", sa.JSON))
  local addresses = sa.Table("misuse_addresses", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("user_id", sa.ForeignKey("misuse_users.id")), sa.Column("email", sa.String))

  local Base = orm.declarative_base { metadata = metadata }
  local User = Base:class("User", { __table__ = users, addresses = orm.relationship("Address", { backref = "user" }) })
  local Address = Base:class("Address", { __table__ = addresses })
  return metadata, users, addresses, User, Address, Base, world.classes(metadata)
end

local function database() return sa.create_engine(url or "sqlite://", { pool_timeout = 0.05 }) end
do
  local metadata, engine = schema(), database()
  metadata:drop_all(engine)
  metadata:create_all(engine)
  engine:dispose()
end

-- Everything that a program may hold: made anew now and then, for calls use objects up.
local function objects()
  local metadata, users, addresses, User, Address, Base, classes = schema()
  local engine = database()
  local conn = engine:connect()
  local session = orm.create_session { bind = engine }
  local user = User { id = math.random(1 << 40), name = "ed" }
  local list = {
    sa.select(users), sa.select(users.c.id):where(users.c.id:eq(1)), users:select(), users:insert(), users:update(), users:delete(),
    users:insert():values { name = "x" }, users:update():values { name = "y" }, sa.union(sa.select(users), sa.select(users)),
    sa.select(users):subquery("s"), sa.select(users):cte("c"), sa.select(users.c.id):scalar_subquery(), sa.exists(sa.select(users)),
    sa.select(users):lateral("l"), users:alias("u"), users:join(addresses), sa.text("select :a"),
    sa.text("select 1 as a"):columns(sa.column("a")),
    users.c.id, users.c.name, users.c.doc, users.c.name:label("n"), sa.literal(5), sa.bindparam("p"), sa.func.count(),
    sa.func.count():over(),
    sa.func.f(1):table_valued("a"), sa.case({ { users.c.id:eq(1), "a" } }), sa.cast(users.c.id, sa.String), sa.and_(users.c.id:eq(1),
    users.c.id:eq(2)),
    sa.null(), sa.true_(), sa.tuple_(users.c.id, users.c.name), sa.column("x"), sa.table("t", sa.column("x")), users.c.id:in_ { 1, 2 },
    sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 1 } }, sa.extract("year", users.c.name), users.c.id + 1, -users.c.id,
    users.c.id:desc(),
    pg.insert(users), sqlite.insert(users):on_conflict_do_nothing {}, pg.array { 1, 2 }, users.c.doc:at("a"), sa.literal_column("z"),
    sa.select(users):compile(), users:insert():compile(engine), users, addresses, users.c, users.primary_key, metadata, sa.MetaData(),
    sa.Column("q", sa.Integer), sa.ForeignKey("misuse_users.id"), sa.Index("ix", users.c.name), sa.UniqueConstraint("a"),
    sa.CheckConstraint("a > 0"),
    sa.Sequence("sq"), sa.Identity(), sa.Computed("a"), sa.DDL("select 1"), sa.CreateTable(users), sa.DropTable(users), sa.FetchedValue(),
    sa.Integer, sa.String(5), sa.Numeric(10, 2), sa.Enum("a", "b"), sa.JSON(), sa.DateTime { timezone = true }, sa.Uuid(),
    pg.ARRAY(sa.Integer), pg.JSONB(),
    sa.decimal("1.10"), sa.date(2020, 1, 2), sa.time(1, 2, 3), sa.datetime(2020, 1, 2, 3, 4, 5), sa.interval { days = 1 }, sa.bytes("a\0b"),
    sa.uuid("12345678-1234-5678-1234-567812345678"), sa.null,
    engine, engine.pool, engine.dialect, engine.url, sa.inspect(engine), conn, conn.connection, conn.info,
    session, session:query(User), session.identity_map, session.new, user, user.addresses, User, Address, User.name, User.addresses,
    orm.aliased(User),
    sa.inspect(User), sa.inspect(user), orm.joinedload and orm.joinedload(User.addresses), orm.sessionmaker { bind = engine }, Base,
    sa.Insert, sa.ColumnElement,
    sa.TypeDecorator, sa.exc.ArgumentError, sa.quoted_name and sa.quoted_name("A", true),
  }
  local more = { function() return conn:execute(sa.text("select 1 as a, 2 as b")) end,
    function() return conn:execute(sa.select(sa.literal(1))):first() end,
    function() return conn:execute(sa.text("select 1 as a")):mappings() end,
    function() return conn:execute(sa.text("select 1 as a")):scalars() end,
    function() return conn:get_transaction() end, function() return conn:begin_nested() end, function() return engine:raw_connection() end }
  metadata:create_all(engine)
  for _, object in ipairs(world.objects(classes, session)) do list[#list + 1] = object end
  for _, make in ipairs(more) do
    local ok, object = pcall(make)
    if ok and object ~= nil then list[#list + 1] = object end
  end
  return list, function() pcall(session.close, session) pcall(conn.close, conn) pcall(engine.dispose, engine) end
end

-- What changes the program for good, waits for a host, writes files, is the fuzzer's own ground, or is between the library's
-- layers.
local LEFT_OUT = { init = true, backup = true, new = true, set_wait = true, compiles = true, clear_mappers = true, drop_all = true,
  set_fault = true, configure = true, check = true, items_of = true, of_rows = true, adapt_property = true, part = true,
  show = true }

local function functions_of(t, out)
  local names = {}
  for name, value in pairs(t) do
    if type(name) == "string" and not LEFT_OUT[name] and name:sub(1,
    1) ~= "_" and (type(value) == "function" or (type(value) == "table" and getmetatable(value) and getmetatable(value).__call)) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do out[#out + 1] = { name, t[name] } end
  return out
end

local free = {}
for _, module in ipairs { sa, sa.event, sa.pool, orm, orm.attributes or {}, orm.collections or {}, pg, sqlite } do functions_of(module,
  free) end

-- The methods that an object finds: its metatable's, and those of the chain of __index.
local methods_cache = setmetatable({}, { __mode = "k" })
local function methods_of(object)
  local mt = getmetatable(object)
  if type(mt) ~= "table" then return {} end
  if methods_cache[mt] then return methods_cache[mt] end
  local out, seen, at = {}, {}, mt
  while type(at) == "table" and not seen[at] do
    seen[at] = true
    if at == sa.Result then seen.over, seen.plain = true, true end     -- these make results of what a driver runs
    local names = {}
    for name, value in pairs(at) do
      if type(name) == "string" and type(value) == "function" and not LEFT_OUT[name] and not seen[name] then
        seen[name] = true
        names[#names + 1] = { name, value }
      end
    end
    table.sort(names, function(a, b) return a[1] < b[1] end)
    for _, item in ipairs(names) do if item[1]:sub(1, 1) ~= "_" then out[#out + 1] = item end end
    local index = rawget(at, "__index")
    at = type(index) == "table" and index ~= at and index or (getmetatable(at) or {}).__index
  end
  methods_cache[mt] = out
  return out
end

-- -- with what ----------------------------------------------------------------------------------------------------

local cyclic = {}
cyclic[1], cyclic.self = cyclic, cyclic
local deep = {}
for _ = 1, 3000 do deep = { deep } end
local long = ("x"):rep(1 << 20)
local plain = {
  function() return nil end, function() return true end, function() return false end, function() return 0 end, function() return 1 end,
  function() return -1 end, function() return 3.5 end, function() return 0 / 0 end, function() return math.huge end,
    function() return math.mininteger end,
  function() return math.maxinteger end, function() return "" end, function() return "id" end, function() return "name" end,
    function() return "a\0b" end,
  function() return "\xff\xfe" end, function() return long end, function() return "%s %d :x ? $1" end, function() return {} end,
    function() return { 1, 2 } end,
  function() return { a = 1 } end, function() return { id = "x", name = 5 } end, function() return { { 1 }, { 2 } } end,
    function() return { false } end,
  function() return { [2] = 1, [4] = 2 } end, function() return cyclic end, function() return deep end, function() return print end,
  function() return function() end end, function() return coroutine.create(print) end, function() return io.stderr end,
  function() return setmetatable({}, { __index = function(_, key) return type(key) == "string" and 1 or nil end }) end, function() return { _node = 5 } end,
  function() return setmetatable({}, { __clause_element__ = function() return 5 end }) end, function() return { _node = io.stderr } end,
  function() return setmetatable({}, { __name = 5 }) end, function() return { type_ = 5, key = 5, name = {}, schema = 3, bind = 7 } end,
  function() return { else_ = print, value = {}, isouter = 5, rows = { "a", {} }, order_by = 5, of = 5 } end, function() return string end,
}
local OPTIONS = { "name", "schema", "type_", "key", "primary_key", "default", "onupdate", "server_default", "order_by", "partition_by",
  "rows", "range_", "isouter",
  "full", "of", "nowait", "else_", "value", "escape", "flags", "expanding", "unique", "required", "index_elements", "set_", "where",
    "constraint", "dialect",
  "literal_binds", "column_keys", "checkfirst", "bind", "lazy", "backref", "uselist", "secondary", "primaryjoin", "pool_size",
    "isolation_level", "echo",
  "poolclass", "creator", "connect_args", "length", "timezone", "with_ties", "recursive", "impl", "ondelete", "info", "comment", "retval",
    "once", "only" }

local current
local function argument()
  local what = math.random(10)
  if what <= 5 then return pick(plain)() end
  if what == 6 then
    local options = {}
    for _ = 1, math.random(3) do options[pick(OPTIONS)] = math.random(2) == 1 and pick(current) or pick(plain)() end
    return options
  end
  if what == 7 then return { pick(current), pick(plain)(), pick(current) } end
  return pick(current)
end

-- -- the calls ----------------------------------------------------------------------------------------------------

local log = os.getenv("MISUSE_LOG")
local function note(text)
  if not log then return end
  local f = assert(io.open(log, "wb"))
  f:write(text)
  f:close()
end

local function short(x)
  local ok, text = pcall(tostring, x)
  return ok and #text < 60 and text:gsub("%c", "?") or type(x)
end

local findings, order = {}, {}
local function finding(what, err)
  local key = tostring(err):gsub("0x%x+", "0x"):gsub("%c+", " "):sub(1, 300)
  if not findings[key] then
    findings[key] = { what, 0 }
    order[#order + 1] = key
  end
  findings[key][2] = findings[key][2] + 1
end

-- Lua's and the standard library's words are right about what the program itself called with a wrong argument.
local function allowed(err)
  if errors.LualchemyError:is(err) then return type(err.message) == "string" end
  return type(err) == "string" and err:find("bad argument", 1, true) ~= nil and not err:find("lua/lualchemy/", 1, true)
end

local function try(what, fn, ...)
  note(what)
  debug.sethook(function() error(debug.traceback("endless loop"), 0) end, "", 30000000)
  local results = table.pack(pcall(fn, ...))
  debug.sethook()
  if results[1] then return results end
  if not allowed(results[2]) then finding(what, results[2]) end
end

local DIALECTS = { sa.create_engine("sqlite://"), "postgresql", nil }
-- What a call made is looked at, compiled and used further.
local function use(what, results)
  for i = 2, math.min(results.n, 3) do
    local x = results[i]
    if type(x) == "userdata" or (type(x) == "table" and getmetatable(x)) then
      try("tostring of " .. what, tostring, x)
      if errors.LualchemyError:is(x) or Property:is(x) then return end
      if sa.ClauseElement:is(x) then
        try("compile of " .. what, function() return x:compile(DIALECTS[math.random(3)]) end)
        if math.random(4) == 1 then try("literal compile of " .. what, function() return x:compile { dialect = "postgresql",
        literal_binds = true } end) end
      end
      if #current < 220 then current[#current + 1] = x else current[math.random(#current)] = x end
    end
  end
end

local function run(count)
  local done
  for i = 1, count do
    if i % 400 == 1 then
      if done then done() end
      current, done = objects()
    end
    local n = math.random(0, 4)
    local args = {}
    for k = 1, n do args[k] = argument() end
    local fn, what
    if math.random(3) == 1 then
      local item = pick(free)
      what, fn = item[1], item[2]
    else
      local object = pick(current)
      local methods = methods_of(object)
      if #methods > 0 then
        local item = pick(methods)
        what, fn = short(object) .. ":" .. item[1], item[2]
        -- Now and then with a dot for the colon.
        if math.random(8) > 1 then
          table.move(args, 1, n, 2)
          args[1], n = object, n + 1
        else
          what = what:gsub(":([^:]*)$", ".%1")
        end
      end
    end
    if fn then
      local shown = {}
      for k = 1, n do shown[k] = short(args[k]) end
      what = what .. "(" .. table.concat(shown, ", ") .. ")"
      local results = try(what, fn, table.unpack(args, 1, n))
      if results then use(what, results) end
    end
  end
  done()
end

run(calls)
current = nil
do
  local metadata, engine = schema(), database()
  metadata:drop_all(engine)
  engine:dispose()
end
collectgarbage()
collectgarbage()
for _, key in ipairs(order) do print(findings[key][2] .. " x " .. key .. "\n      " .. findings[key][1]) end
print(("%d calls, %d findings"):format(calls, #order))
os.exit(#order == 0, true)
