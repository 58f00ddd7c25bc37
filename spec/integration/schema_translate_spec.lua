--- schema_translate_map: one set of tables, a schema for each tenant, on one engine.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local pg = require("lualchemy.dialects.postgresql")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

local function rows_of(result)
  local rows = {}
  for row in result do rows[#rows + 1] = { table.unpack(row) } end
  return rows
end

for database, url in targets.each() do
  describe("schema_translate_map on " .. database, function()
    local engine, Base, User, Address, users
    local tenants = { "tenant_a", "tenant_b" }

    local function of(name) return engine:execution_options{ schema_translate_map = { tenant = name } } end

    before_each(function()
      engine = sa.create_engine(url)
      if database == "sqlite" then
        sa.event.listen(engine, "connect", function(dc)
          for _, name in ipairs(tenants) do dc:execute("ATTACH ':memory:' AS " .. name) end
        end)
      else
        engine:begin(function(conn)
          for _, name in ipairs(tenants) do
            conn:execute(sa.text("DROP SCHEMA IF EXISTS " .. name .. " CASCADE"))
            conn:execute(sa.text("CREATE SCHEMA " .. name))
          end
        end)
      end
      Base = orm.declarative_base()
      User = Base:class("User", {
        __tablename__ = "tm_users", __table_args__ = { schema = "tenant" },
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(30)),
        addresses = orm.relationship("Address", { back_populates = "user", cascade = "all, delete-orphan" }),
      })
      Address = Base:class("Address", {
        __tablename__ = "tm_addresses", __table_args__ = { schema = "tenant" },
        id = sa.Column(sa.Integer, { primary_key = true }),
        email = sa.Column(sa.String(30)),
        user_id = sa.Column(sa.ForeignKey("tenant.tm_users.id")),
        user = orm.relationship("User", { back_populates = "addresses" }),
      })
      users = User.__table__
      for _, name in ipairs(tenants) do Base.metadata:create_all(of(name)) end
    end)
    after_each(function()
      for _, name in ipairs(tenants) do Base.metadata:drop_all(of(name)) end
      engine:dispose()
      orm.clear_mappers()
    end)

    -- What a tenant's table holds, past the library.
    local function names(tenant)
      local conn <close> = engine:connect()
      return table.concat(conn:scalars(sa.text(("SELECT name FROM %s.tm_users ORDER BY id"):format(tenant))):all(), " ")
    end

    it("statements go to the schema of their connection, those that were compiled for another one before, too", function()
      local insert, select = sa.insert(users), sa.select(users.c.name):where(users.c.id:gt(0)):order_by(users.c.id)
      for round = 1, 2 do
        for _, tenant in ipairs(tenants) do
          local conn <close> = of(tenant):connect()
          conn:execute(insert, { id = round, name = tenant .. round })
          conn:execute(insert, { { id = 10 + round, name = "x" }, { id = 20 + round, name = "y" } })
          conn:execute(sa.update(users):where(users.c.id:ge(10)):values{ name = tenant .. "!" })
          conn:execute(sa.delete(users):where(users.c.id:gt(20)))
          assert.same(round == 1 and { tenant .. "1", tenant .. "!" } or { tenant .. "1", tenant .. "2", tenant .. "!", tenant .. "!" },
            conn:execute(select):scalars():all())
          conn:commit()
        end
      end
      assert.equal("tenant_a1 tenant_a2 tenant_a! tenant_a!", names("tenant_a"))
      assert.equal("tenant_b1 tenant_b2 tenant_b! tenant_b!", names("tenant_b"))
    end)

    it("a connection, a statement and a call may say the map; the nearest counts", function()
      local conn <close> = engine:connect()
      local function map(name) return { schema_translate_map = { tenant = name } } end
      conn:execution_options(map("tenant_a"))
      conn:execute(sa.insert(users), { id = 1, name = "connection" })
      conn:execute(sa.insert(users):execution_options(map("tenant_b")), { id = 1, name = "statement" })
      conn:execute(sa.insert(users):execution_options(map("tenant_a")), { id = 2, name = "call" }, { execution_options = map("tenant_b") })
      conn:execute(sa.insert(users), { id = 2, name = "connection again" })
      conn:commit()
      assert.equal("connection connection again", names("tenant_a"))
      assert.equal("statement call", names("tenant_b"))
    end)

    it("tells a table from its namesake in the default schema", function()
      local own = sa.Table("tm_users", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(30)))
      own:drop(engine, { checkfirst = true })
      own:create(engine)
      local conn <close> = of("tenant_a"):connect()
      conn:execute(sa.insert(users), { { id = 1, name = "tenant" }, { id = 2, name = "other" } })
      conn:execute(sa.insert(own), { id = 1, name = "own" })
      assert.same({ { "own", "tenant" } }, rows_of(conn:execute(sa.select(own.c.name, users.c.name):join(users, own.c.id:eq(users.c.id)))))
      assert.same({ { "own" } }, rows_of(conn:execute(sa.select(own.c.name):where(own.c.id:in_(sa.select(users.c.id))))))
      conn:rollback()
      own:drop(engine)
    end)

    if database == "postgresql" then
      it("takes a tenant's own sequence", function()
        local sequence = sa.Sequence("tm_seq", { schema = "tenant", start = 5 })
        local t = sa.Table("tm_counted", sa.MetaData(), sa.Column("id", sa.Integer, sequence, { primary_key = true }), { schema = "tenant" })
        for i, tenant in ipairs(tenants) do
          t.metadata:create_all(of(tenant))
          local conn <close> = of(tenant):connect()
          for _ = 1, i do conn:execute(sa.insert(t)) end
          assert.equal(5 + i, conn:scalar(sequence))
          assert.equal(4 + i, conn:scalar(sa.select(sa.func.max(t.c.id))))
          conn:commit()
        end
        for _, tenant in ipairs(tenants) do t.metadata:drop_all(of(tenant)) end
      end)
    end

    it("sessions of tenants do not meet: flush, get, lazy and eager loads, bulk statements, refresh", function()
      local Session = orm.sessionmaker()
      for round = 1, 2 do
        for _, tenant in ipairs(tenants) do
          local session <close> = Session{ bind = of(tenant) }
          session:add(User{ id = round, name = tenant, addresses = { Address{ email = tenant .. round } } })
          session:commit()
          local user = session:get(User, round)
          assert.equal(tenant .. round, user.addresses[1].email)
          session:expunge_all()
          for _, load in ipairs{ orm.joinedload, orm.selectinload, orm.subqueryload } do
            local all = session:query(User):options(load(User.addresses)):order_by(User.id):populate_existing():all()
            assert.equal(round, #all)
            assert.equal(tenant .. "1", all[1].addresses[1].email)
          end
          user = session:get(User, 1)
          user.name = tenant .. " changed " .. round
          session:flush()
          session:refresh(user)
          assert.equal(tenant .. " changed " .. round, user.name)
          assert.equal(round, session:execute(sa.update(User):values{ name = User.name .. "." }).rowcount)
          session:commit()
        end
      end
      assert.equal("tenant_a changed 2. tenant_a.", names("tenant_a"))
      local session <close> = Session{ bind = of("tenant_b") }
      session:delete(session:get(User, 1))
      session:commit()
      assert.equal(1, session:query(Address):count())
      assert.equal("tenant_b.", names("tenant_b"))
    end)

    it("tables without a schema are sa.null in the map, and so is no schema", function()
      local metadata = sa.MetaData()
      local bare = sa.Table("tm_bare", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
      local there = engine:execution_options{ schema_translate_map = { [sa.null] = "tenant_a", tenant = sa.null } }
      metadata:create_all(there)
      there:begin(function(conn) conn:execute(sa.insert(bare), { id = 7 }) end)
      local conn <close> = engine:connect()
      assert.equal(7, conn:scalar(sa.text("SELECT id FROM tenant_a.tm_bare")))
      conn:rollback()
      assert.equal("SELECT tm_users.id FROM tm_users",
        (sa.select(users.c.id):compile{ dialect = engine.dialect, schema_translate_map = { tenant = sa.null } }.string:gsub("%s+", " ")))
      metadata:drop_all(there)
    end)

    if database == "postgresql" then
      it("types of the database's own go where the map says", function()
        local metadata = sa.MetaData()
        local state = sa.Enum("on", "off", { name = "tm_state", schema = "tenant" })
        local positive = pg.DOMAIN("tm_positive", sa.Integer, { check = "VALUE > 0", schema = "tenant" })
        local lamps = sa.Table("tm_lamps", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("state", state),
          sa.Column("watts", positive), { schema = "tenant" })
        local there = of("tenant_a")
        metadata:create_all(there)
        metadata:create_all(there)
        there:begin(function(conn) conn:execute(sa.insert(lamps), { { id = 1, state = "on", watts = 5 }, { id = 2, state = "off", watts = 6 } }) end)
        local conn <close> = there:connect()
        assert.same({ 1 }, conn:scalars(sa.select(lamps.c.id):where(lamps.c.state:eq(sa.cast("on", state)))):all())
        assert.equal(7, conn:scalar(sa.select(sa.cast(7, positive))))
        conn:rollback()
        local inspector = sa.inspect(engine)
        assert.is_true(inspector:has_type("tm_state", { schema = "tenant_a" }))
        metadata:drop_all(there)
        inspector:clear_cache()
        assert.is_false(inspector:has_type("tm_state", { schema = "tenant_a" }))
        assert.is_false(inspector:has_type("tm_positive", { schema = "tenant_a" }))
      end)
    end

    it("keeps what it compiled for some tenants, not for all there ever were", function()
      local texts = {}
      for i = 1, 100 do
        local dialect = engine.dialect:translated{ tenant = "t" .. i }
        assert.equal(dialect, engine.dialect:translated{ tenant = "t" .. i })
        texts[sa.select(users):compile(dialect).string] = dialect
      end
      local count, weak = 0, setmetatable({}, { __mode = "k" })
      for text, dialect in pairs(texts) do
        count, weak[dialect] = count + 1, true
        texts[text] = true
      end
      assert.equal(100, count)
      collectgarbage() collectgarbage()
      local kept = 0
      for _ in pairs(weak) do kept = kept + 1 end
      assert.is_true(kept <= 16, kept .. " are kept")
    end)

    it("refuses maps of anything but names", function()
      for _, map in ipairs{ 5, "tenant", { tenant = 5 }, { tenant = {} }, { "tenant_a" }, { tenant = "a\0b" } } do
        expect.raises_here("ArgumentError", { "schema_translate_map" }, function() engine:execution_options{ schema_translate_map = map }:connect() end)
      end
    end)
  end)
end
