-- Mistakes a program can make: each raises a structured error that names the thing and points at the caller's
-- line, and leaves the session and the connection usable.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")
local targets = require("spec.support.targets")

local raises = expect.raises_here

describe("a URL", function()
  it("that is none", function()
    raises("ArgumentError", { "not a url" }, function() sa.create_engine("not a url") end)
    raises("ArgumentError", {}, function() sa.create_engine(nil) end)
  end)

  it("of a dialect nobody has, says what was looked for", function()
    raises("NoSuchModuleError", { "nosuchdb", "lualchemy.dialects.nosuchdb" }, function() sa.create_engine("nosuchdb://host/db") end)
    raises("NoSuchModuleError", { "'nodriver'", "lualchemy.drivers.nodriver" }, function() sa.create_engine("sqlite+nodriver://") end)
  end)

  it("of a server that is not there", function()
    local engine = sa.create_engine("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=3")
    raises("OperationalError", { "127.0.0.1" }, function() engine:connect() end)
    engine:dispose()
  end)

  it("of a file in a folder that is not there", function()
    local engine = sa.create_engine("sqlite:////nonexistent-folder/x.db")
    raises("OperationalError", {}, function() engine:connect() end)
  end)

  -- A library that takes C strings would open another file, or log in with half a password.
  it("a NUL character where the database's library takes C strings", function()
    for name, fn in pairs({
      database = function() sa.create_engine("sqlite:///nul%00.db"):connect() end,
      password = function() sa.create_engine("postgresql://u:p%00q@localhost:1/x"):connect() end,
      application_name = function() sa.create_engine("postgresql:///x?application_name=a%00b"):connect() end,
      ["the path"] = function() sa.create_engine("sqlite://"):backup("nul\0.db") end,
      ["String: the collation"] = function() sa.String(5, { collation = "a\0b" }) end,
    }) do
      raises("ArgumentError", { name .. " cannot contain a NUL character" }, fn)
    end
  end)
end)

for database, url in targets.each() do
  describe("on " .. database, function()
    local people, session, User, Address, users

    before_each(function()
      people = people_of.open(url)
      session, User, Address = people.session, people.User, people.Address
      users = people.metadata.tables.people_users
    end)
    after_each(function() people:close() end)

    -- After each mistake the same session goes on.
    local function still_works()
      assert.equal(3, session:query(User):count())
      session:commit()
    end

    it("an unknown column", function()
      raises("NoSuchColumnError", { "people_users", "'nmae'", "did you mean 'name'" }, function() return users.c.nmae end)
      raises("CompileError", { "nmae", "people_users" }, function()
        local conn <close> = people.engine:connect()
        conn:execute(users:insert():values{ nmae = "x" })
      end)
      raises("InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function() session:query(User):filter_by{ nmae = "x" } end)
      raises("ArgumentError", { "'nmae'", "User", "did you mean 'name'" }, function() User{ nmae = "x" } end)
      still_works()
    end)

    it("a criterion that is none", function()
      raises("ArgumentError", { ":eq" }, function() sa.select(users):where(users.c.name == "ed") end)
      raises("ArgumentError", {}, function() sa.select(users):where(nil) end)
      raises("ArgumentError", {}, function() sa.select(users):where() end)
      raises("ArgumentError", { ":eq" }, function() session:query(User):filter(User.name == "ed") end)
      raises("ArgumentError", {}, function() session:query(User):filter(nil) end)
      raises("ArgumentError", {}, function() session:query(User):filter_by{ name = nil } end)
      local ok, err = pcall(function() return users.c.id < 3 end)
      assert.is_false(ok)
      assert.is_truthy(tostring(err):find(":lt", 1, true))
      still_works()
    end)

    it("a query or a result taken for a list, a dot for a colon", function()
      local query = session:query(User)
      for _, misuse in ipairs({
        function() return query[1] end, function() return #query end, function() for _ in pairs(query) do error("a pair") end end,
        function() for _ in ipairs(query) do error("an item") end end, function() for _ in query do error("a row") end end,
      }) do
        raises("InvalidRequestError", { "query:iter()", "query:all()" }, misuse)
      end
      for _, result in ipairs({ session:execute(sa.select(User)), session:scalars(sa.select(User)), session:execute(sa.select(users)):mappings(),
        session:execute("SELECT 1") }) do
        raises("InvalidRequestError", { "for row in result do" }, function() return result[1] end)
        raises("InvalidRequestError", { "result:all()" }, function() for _ in ipairs(result) do error("a row") end end)
        raises("InvalidRequestError", { "result:all()" }, function() return #result end)
        assert.is_true(#result:all() > 0)
      end
      raises("ArgumentError", { "colon" }, function() session.add(User{ name = "x" }) end)
      raises("ArgumentError", { "colon" }, function() return User.name.desc() end)
      raises("ArgumentError", { "'ehco'", "did you mean 'echo'" }, function() sa.create_engine("sqlite://", { ehco = true }) end)
      still_works()
    end)

    it("criteria that came to nothing where they would write every row", function()
      local ids = {}
      for _, emptied in ipairs { sa.and_(), sa.or_(table.unpack(ids)), sa.and_(sa.or_()) } do
        local conn <close> = people.engine:connect()
        raises("ArgumentError", { "delete every row" }, function() conn:execute(users:delete():where(emptied)) end)
        raises("ArgumentError", { "update every row" }, function() conn:execute(users:update():where(emptied):values{ name = "x" }) end)
        raises("ArgumentError", { "delete every row" }, function() session:query(User):filter(emptied):delete() end)
        raises("ArgumentError", { "update every row" }, function() session:execute(sa.update(User):where(emptied):values{ name = "x" }) end)
        assert.equal(3, #session:query(User):filter(emptied):all())
      end
      assert.equal("DELETE FROM people_users", tostring(users:delete():where(sa.and_())))
      still_works()
    end)

    it("a class mapped twice, a class not mapped", function()
      raises("ArgumentError", { "class 'User'", "already mapped" }, function() orm.mapper(User, users) end)
      raises("ArgumentError", { "class 'Stranger'" }, function() session:query({ __name = "Stranger" }) end)
      raises("UnmappedInstanceError", {}, function() session:add(setmetatable({}, { __name = "Stranger" })) end)
      raises("UnmappedInstanceError", {}, function() session:add("a string") end)
      still_works()
    end)

    it("a relationship whose join cannot be inferred", function()
      local Lonely = people.Base:class("Lonely", { __tablename__ = "lonely", id = sa.Column(sa.Integer, { primary_key = true }),
        users = orm.relationship("User") })
      raises("NoForeignKeysError", { "Lonely.users", "lonely", "people_users", "primaryjoin" }, function() Lonely{} end)
      raises("NoForeignKeysError", { "Lonely.users" }, function() session:query(Lonely):all() end)
      orm.clear_mappers()
    end)

    it("a relationship to what is not there, told again each time, and healed by it", function()
      local Base = orm.declarative_base()
      local Early = Base:class("Early", { __tablename__ = "early", id = sa.Column(sa.Integer, { primary_key = true }),
        late = orm.relationship("Late") })
      for _ = 1, 2 do
        raises("InvalidRequestError", { "Early.late", "'Late'", "required before" }, function() Early{} end)
      end
      Base:class("Late", { __tablename__ = "late", id = sa.Column(sa.Integer, { primary_key = true }),
        early_id = sa.Column(sa.ForeignKey("early.id")) })
      assert.equal(0, #Early{}.late)
      orm.clear_mappers()
    end)

    it("an object added to two sessions", function()
      local other <close> = people.Session()
      local ed = session:get(User, 1)
      raises("InvalidRequestError", { "session" }, function() other:add(ed) end)
      assert.equal(3, other:query(User):count())
      still_works()
    end)

    it("a related object of the wrong kind", function()
      local ed = session:get(User, 1)
      raises("ArgumentError", { "addresses" }, function() ed.addresses:append(User{ name = "x" }) end)
      raises("ArgumentError", { "boss" }, function() ed.boss = Address{ email = "x" } end)
      raises("UnmappedInstanceError", { "boss" }, function() ed.boss = "fred" end)
      session:rollback()
      still_works()
    end)

    it("a statement on a closed connection", function()
      local conn = people.engine:connect()
      conn:close()
      raises("ResourceClosedError", {}, function() conn:execute(users:select()) end)
      conn:close()
      still_works()
    end)

    it("a value that its column cannot hold", function()
      local conn <close> = people.engine:connect()
      local err = raises("StatementError", { "id" }, function() conn:execute(users:insert():values{ id = "seven", name = "x" }) end)
      assert.is_truthy(err.statement == nil or err.statement:find("INSERT"))
      raises("StatementError", { "id" }, function() conn:execute(users:insert():values{ id = 3.5, name = "x" }) end)
      conn:rollback()
      session:add(User{ id = "seven", name = "x" })
      raises("StatementError", { "id" }, function() session:flush() end)
      session:rollback()
      still_works()
    end)

    it("a constraint violated", function()
      session:add(User{ id = 1, name = "twice" })
      local err = raises("IntegrityError", {}, function() session:commit() end)
      assert.is_truthy(err.statement:find("INSERT INTO people_users", 1, true))
      assert.is_not_nil(err.params)
      assert.is_not_nil(err.orig)
      raises("PendingRollbackError", { "rollback" }, function() session:query(User):all() end)
      session:rollback()
      still_works()
      session:add(Address{ user_id = 1 })
      raises("IntegrityError", { "email" }, function() session:flush() end)
      session:rollback()
      still_works()
    end)

    it("a malformed statement", function()
      local conn <close> = people.engine:connect()
      local err = raises("DatabaseError", {}, function() conn:execute(sa.text("SELEC 1")) end)
      assert.equal("SELEC 1", err.statement)
      conn:rollback()
      assert.equal(1, conn:scalar(sa.text("SELECT 1")))
      raises("InvalidRequestError", { "'name'" }, function() conn:execute(sa.text("SELECT :name")) end)
    end)

    it("errors tell their class and print readably", function()
      local ok, err = pcall(function() session:query(User):filter_by{ nmae = "x" } end)
      assert.is_false(ok)
      assert.is_true(sa.exc.InvalidRequestError:is(err))
      assert.is_false(sa.exc.DBAPIError:is(err))
      assert.is_truthy(tostring(err):find("bad_input_spec.lua:%d+: InvalidRequestError: "))
    end)
  end)
end
