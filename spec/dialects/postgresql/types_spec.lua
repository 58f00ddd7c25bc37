--- PostgreSQL's own types, and its type numbers as the server knows them.
local sa = require("lualchemy")
local core = require("lualchemy._core")
local pg = require("lualchemy.dialects.postgresql.types")
local types = require("lualchemy.types")
local targets = require("spec.support.targets")

describe("PostgreSQL's types", function()
  local engine, conn

  setup(function()
    engine = sa.create_engine(targets.postgresql())
    conn = engine:connect()
  end)
  teardown(function()
    conn:close()
    engine:dispose()
  end)

  local function one(sql, ...) return conn:exec_driver_sql(sql, { ... }):one() end

  it("have the server's numbers", function()
    local checked = 0
    for name, class in pairs(pg) do
      local info = core.type_info(class._type)
      if info.class == "NamedType" and info.oid ~= 0 then
        local wanted = info.name == "BIT VARYING" and "varbit" or info.name:gsub("%(.*", ""):lower()
        assert.equal(wanted, (one("SELECT typname FROM pg_type WHERE oid = $1::bigint::oid", info.oid))[1], name)
        checked = checked + 1
      end
    end
    assert.is_true(checked > 25)
  end)

  it("that are objects of the database are created and dropped by themselves", function()
    local dialect = require("lualchemy.dialects.postgresql")
    local mood = dialect.ENUM("sad", "glad", { name = "lone_mood" })
    local positive = dialect.DOMAIN("lone_positive", sa.Integer, { check = "VALUE > 0" })
    for _, type_ in ipairs { mood, positive } do
      local function count() return one("SELECT count(*) FROM pg_type WHERE typname = $1", type_.name)[1] end
      type_:drop(conn)
      type_:create(engine)
      type_:create(conn)                    -- it is there: checked first
      assert.equal(1, count())
      local ok, err = pcall(type_.create, type_, engine, { checkfirst = false })
      assert.is_true(not ok and sa.exc.ProgrammingError:is(err))
      type_:drop(engine)
      type_:drop(conn)
      assert.equal(0, count())
      type_:create(sa.create_engine("sqlite://"))       -- has no such types
    end
  end)

  it("of a domain's values are those of the type behind it", function()
    local dialect = require("lualchemy.dialects.postgresql")
    local at = sa.datetime(2020, 1, 2, 3, 4, 5, 0, { tz = "+00:00" })
    for i, case in ipairs { { sa.Uuid, sa.uuid("70140c4e-bb60-4275-b58f-7f48c5a74928") }, { sa.Numeric(10, 2), sa.decimal("1.50") },
      { sa.DateTime { timezone = true }, at }, { sa.Interval, sa.interval { days = 1 } }, { sa.Enum("a", "b", { native_enum = false }), "b" } } do
      local t = sa.Table("domain_of_" .. i, sa.MetaData(), sa.Column("v", dialect.DOMAIN("domain_" .. i, case[1])))
      local tx = conn:begin_nested()
      t:create(conn)
      conn:execute(t:insert(), { v = case[2] })
      assert.equal(tostring(case[2]), tostring(conn:scalar(sa.select(t.c.v):where(t.c.v:eq(case[2])))))
      tx:rollback()
    end
  end)

  it("of a domain over an array are lists", function()
    local of = require("lualchemy.dialects.postgresql").DOMAIN("domain_of_list", sa.ARRAY(sa.Integer))
    local t = sa.Table("lists_of_domain", sa.MetaData(), sa.Column("v", of))
    local tx = conn:begin_nested()
    t:create(conn)
    conn:execute(t:insert(), { v = { 4, 5 } })
    assert.same({ 4, 5 }, conn:scalar(sa.select(t.c.v)))
    assert.equal(5, conn:scalar(sa.select(t.c.v:at(2))))
    local found = sa.Table("lists_of_domain", sa.MetaData(), { autoload_with = conn })
    assert.equal("ARRAY(item_type=INTEGER())", tostring(found.c.v.type.data_type))
    assert.same({ 4, 5 }, conn:scalar(sa.select(found.c.v)))
    tx:rollback()
  end)

  -- What a bare type's parameter is sent as, and an array of it, by the server's names.
  local sent = {
    { types.Integer, "int4" }, { types.SmallInteger, "int2" }, { types.BigInteger, "int8" }, { types.Float, "float8" },
    { types.REAL, "float4" }, { types.Numeric, "numeric" }, { types.String, "varchar" }, { types.Text, "text" },
    { types.CHAR, "bpchar" }, { types.Boolean, "bool" }, { types.Date, "date" }, { types.Time, "time" },
    { types.Time(true), "timetz" }, { types.DateTime, "timestamp" }, { types.DateTime(true), "timestamptz" },
    { types.Interval, "interval" }, { types.LargeBinary, "bytea" }, { types.Uuid, "uuid" }, { types.JSON, "json" },
    { pg.JSONB, "jsonb" },
  }
  for _, row in ipairs(sent) do
    it("are sent as " .. row[2], function()
      local oid = select(3, core.type_bind(types.to_instance(row[1])._type, "postgresql", nil))
      local array = select(3, core.type_bind(types.ARRAY(row[1]), "postgresql", nil))
      local found = one("SELECT typname, typarray::bigint FROM pg_type WHERE oid = $1::bigint::oid", oid)
      assert.equal(row[2], found[1])
      assert.equal(found[2], array)
    end)
  end

  local shown = {
    { pg.BIT(5), "BIT", 5 }, { pg.BIT(5, { varying = true }), "BIT VARYING", 5 }, { pg.INTERVAL, "INTERVAL" },
    { pg.INTERVAL{ fields = "DAY TO SECOND", precision = 3 }, "INTERVAL DAY TO SECOND (3)" }, { pg.TSVECTOR, "TSVECTOR" },
    { pg.JSONB(), "JSONB" }, { pg.CITEXT, "CITEXT" },
  }
  for _, row in ipairs(shown) do
    it("are written as " .. row[2], function()
      local info = core.type_info(row[1]._type)
      assert.equal(row[2], info.ddl)
      assert.equal(row[3], info.length)
    end)
  end

  it("are of the library's families", function()
    assert.is_true(types.JSON:is(pg.JSONB()))
    assert.is_true(types.Enum:is(pg.ENUM("a", { name = "e", create_type = false })))
    assert.is_false(pg.ENUM("a", { name = "e", create_type = false }).create_type)
    assert.equal('{"a":1}', (select(2, core.type_bind(pg.JSONB, "postgresql", { a = 1 }))))
    assert.equal(3802, (select(3, core.type_bind(pg.JSONB, "postgresql", { a = 1 }))))
    assert.equal(869, (select(3, core.type_bind(pg.INET, "postgresql", "10.0.0.1/8"))))
    assert.is_true(pg.INET:is(types.from_handle(pg.INET._type)))
    assert.equal(5, types.from_handle(pg.BIT(5)._type).length)
    assert.equal("10.0.0.1/8", core.type_read(pg.INET, "postgresql", "10.0.0.1/8"))
  end)

  it("read what columns without a declared type hold", function()
    local row = one([[SELECT 1.50::numeric, date '2024-02-29', timestamp '2024-02-29 10:30:00', interval '1 day', true, 5::int8,
      'x'::text, '\x00ff'::bytea, 2.5::float8, NULL, '{"a": [1]}'::jsonb, '123e4567-e89b-12d3-a456-426614174000'::uuid]])
    assert.equal(sa.decimal("1.50"), row[1])
    assert.equal("1.50", tostring(row[1]))
    assert.equal(sa.date(2024, 2, 29), row[2])
    assert.equal(sa.datetime(2024, 2, 29, 10, 30), row[3])
    assert.equal(sa.interval{ days = 1 }, row[4])
    assert.same({ true, 5, "x", "\0\xff", 2.5 }, { row[5], row[6], row[7], row[8], row[9] })
    assert.is_nil(row[10])
    assert.equal(1, row[11].a[1])
    assert.equal(sa.uuid("123e4567-e89b-12d3-a456-426614174000"), row[12])
  end)
end)
