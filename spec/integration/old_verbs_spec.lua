--- The tutorial of SQLAlchemy 0.3, as it was written: verbs of sessions and queries that have newer names, kept as aliases.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("the tutorial's verbs on " .. database, function()
    local engine, metadata, users, addresses, User, Address, session, query

    local function user(name, password)
      local made = setmetatable({}, User)
      made.user_name, made.password = name, password
      return made
    end

    local function map()
      User, Address = expect.plain_class("User"), expect.plain_class("Address")
      orm.mapper(Address, addresses)
      orm.mapper(User, users, { properties = { addresses = orm.relation(Address) } })
    end

    before_each(function()
      engine = sa.create_engine(url)
      metadata = sa.MetaData()
      metadata.bind = engine
      users = sa.Table("ov_users", metadata, sa.Column("user_id", sa.Integer, { primary_key = true }),
        sa.Column("user_name", sa.String(40)), sa.Column("password", sa.String(20)))
      addresses = sa.Table("ov_addresses", metadata, sa.Column("address_id", sa.Integer, { primary_key = true }),
        sa.Column("email_address", sa.String(100), { nullable = false }), sa.Column("user_id", sa.Integer, sa.ForeignKey("ov_users.user_id")))
      metadata:drop_all(engine)
      metadata:create_all(engine)
      map()
      session = orm.create_session()
      for _, values in ipairs{ { "Mary", "secure" }, { "Tom" }, { "Fred" }, { "Harry" } } do session:save(user(values[1], values[2])) end
      session:flush()
      session:clear()
      query = session:query(User)
    end)
    after_each(function()
      session:close()
      orm.clear_mappers()
      metadata:drop_all(engine)
      engine:dispose()
    end)

    it("find objects", function()
      assert.equal("Harry", query:select_by{ user_name = "Harry" }[1].user_name)
      assert.equal(1, #query:select_by{ user_name = "Harry" })
      assert.equal("Fred", query:select(User.c.user_id:eq(3))[1].user_name)
      assert.equal("Tom", query:get(2).user_name)
      assert.equal("secure", query:get_by{ user_name = "Mary" }.password)
      assert.is_nil(query:get_by{ user_name = "Nobody" })
      assert.equal("Tom", query:selectfirst(User.c.password:eq(nil), { order_by = User.c.user_id }).user_name)
      assert.is_nil(query:selectfirst(User.c.user_name:eq("Nobody")))
      assert.equal(4, query:count())
      assert.equal(4, #query:select())
    end)

    it("save, change and delete with a flush that commits", function()
      local ed = user("Ed", "edspassword")
      session:save(ed)
      assert.is_true(session:contains(ed))
      local mary = query:get_by{ user_name = "Mary" }
      mary.password = "marysnewpassword"
      assert.equal(mary, query:get_by{ user_name = "Mary" })
      session:delete(query:get_by{ user_name = "Fred" })
      session:flush()
      local other <close> = orm.Session(engine)
      local found = {}
      for _, one in ipairs(other:query(User):order_by(User.c.user_name):all()) do found[#found + 1] = one.user_name .. ":" .. tostring(one.password) end
      assert.equal("Ed:edspassword Harry:nil Mary:marysnewpassword Tom:nil", table.concat(found, " "))
    end)

    it("map anew after clear_mappers", function()
      orm.clear_mappers()
      map()
      session:clear()
      query = session:query(User)
      local mary = query:get_by{ user_name = "Mary" }
      assert.equal(0, #mary.addresses)
      mary.addresses:append(setmetatable({ email_address = "mary@example.org" }, Address))
      session:flush()
      session:clear()
      assert.equal("mary@example.org", query:get_by{ user_name = "Mary" }.addresses[1].email_address)
    end)

    it("do several flushes in one transaction", function()
      local function work(finish)
        local transaction = session:create_transaction()
        local ok, err = pcall(function()
          local found = session:query(User):select(User.c.user_name:in_{ "Harry", "Mary" }, { order_by = User.c.user_name })
          assert.equal("Harry Mary", found[1].user_name .. " " .. found[2].user_name)
          found[1].addresses:append(setmetatable({ email_address = "harry@example.org" }, Address))
          session:flush()
          local fred = user("fred_again")
          fred.addresses:append(setmetatable({ email_address = "fred@example.org" }, Address))
          session:save(fred)
          finish(transaction)
        end)
        if not ok then
          transaction:rollback()
          error(err, 0)
        end
      end
      assert.is_false(pcall(work, function() error("something else") end))
      session:clear()
      assert.equal(0, session:query(Address):count())
      work(function(transaction) transaction:commit() end)
      session:clear()
      assert.equal(2, session:query(Address):count())
      assert.equal(5, session:query(User):count())
    end)
  end)
end
