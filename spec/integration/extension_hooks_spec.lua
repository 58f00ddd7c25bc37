--- The hooks of the talk that started all this: the fifteen of a mapper's extension and the ten of a session's, each called with
-- the extension, then its arguments, when its time has come.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

local MAPPER = { "instrument_class", "init_instance", "init_failed", "translate_row", "create_instance", "append_result", "populate_instance",
  "reconstruct_instance", "before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete", "load" }
local SESSION = { "before_commit", "after_commit", "after_rollback", "before_flush", "after_flush", "after_flush_postexec", "after_begin",
  "after_attach", "after_bulk_update", "after_bulk_delete" }

-- What an argument is.
local kinds = {
  { "session", function(x) return orm.Session:is(x) end },
  { "transaction", function(x) return x.is_ended ~= nil end },
  { "connection", function(x) return x.exec_driver_sql ~= nil end },
  { "mapper", function(x) return x.class_name == "User" end },
  { "context", function(x) return x.session ~= nil and x.statement ~= nil end },
  { "class", function(x) return rawget(x, "__name") == "User" end },
  { "object", function(x) return rawget(getmetatable(x) or {}, "__name") == "User" end },
}

local function kind_of(value)
  if type(value) ~= "table" then return type(value) end
  for _, kind in ipairs(kinds) do
    local ok, is = pcall(kind[2], value)
    if ok and is then return kind[1] end
  end
  return "table"
end

world.describe("an extension hears", function() end, function(w)
  local log

  local function extension(names)
    local made = {}
    for _, name in ipairs(names) do
      made[name] = function(self, ...)
        assert.equal(made, self)
        local given = table.pack(...)
        for i = 1, given.n do given[i] = kind_of(given[i]) end
        log[#log + 1] = ("%s(%s)"):format(name, table.concat(given, ", "))
      end
    end
    return made
  end

  local function heard()
    local text = table.concat(log, " ")
    log = {}
    return text
  end

  local function class(args)
    log = {}
    local User = w.Base:class("User", { __tablename__ = "hooks_users", __mapper_args__ = args, id = sa.Column(sa.Integer, { primary_key = true }),
      name = sa.Column(sa.String(20)) })
    w.Base.metadata:create_all(w.engine)
    return User
  end

  it("what becomes of a class and its objects", function()
    local User = class({ extension = extension(MAPPER) })
    assert.equal("instrument_class(mapper, class)", heard())
    local user = User{ name = "ed" }
    assert.equal("init_instance(mapper, class, function, object, table)", heard())
    assert.is_false((pcall(User, { nmae = "ed" })))
    assert.equal("init_instance(mapper, class, function, object, table) init_failed(mapper, class, function, object, table)", heard())
    w.session:add(user)
    w.session:flush()
    assert.equal("before_insert(mapper, connection, object) after_insert(mapper, connection, object)", heard())
    user.name = "edward"
    w.session:commit()
    assert.equal("before_update(mapper, connection, object) after_update(mapper, connection, object)", heard())
    w.session:expunge_all()
    user = w.session:query(User):one()
    assert.equal("translate_row(mapper, context, table) create_instance(mapper, context, table, class) "
      .. "populate_instance(mapper, context, table, object) load(object, context) reconstruct_instance(mapper, object) "
      .. "append_result(mapper, context, nil, object, table)", heard())       -- rows are not kept until then
    w.session:delete(user)
    w.session:commit()
    assert.equal("before_delete(mapper, connection, object) after_delete(mapper, connection, object)", heard())
  end)

  it("what becomes of a session", function()
    local User = class()
    local session <close> = orm.Session{ bind = w.engine, extension = extension(SESSION) }
    session:add(User{ name = "ed" })
    assert.equal("after_attach(session, object)", heard())
    session:commit()
    assert.equal("before_commit(session) before_flush(session, table) after_begin(session, transaction, connection) "
      .. "after_flush(session, table) after_flush_postexec(session, table) after_commit(session)", heard())
    session:query(User):update{ name = "x" }
    assert.equal("after_begin(session, transaction, connection) after_bulk_update(context)", heard())
    session:query(User):delete()
    assert.equal("after_bulk_delete(context)", heard())
    session:rollback()
    assert.equal("after_rollback(session)", heard())
  end)
end)
