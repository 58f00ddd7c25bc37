--- What types promise beyond a value coming back equal: order, documents to the character, kinds of numbers, what is refused.
local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

local raises = expect.raises_here
local serial = 0

for name, url in targets.each() do
  describe("types on " .. name, function()
    local engine, conn
    setup(function() engine = sa.create_engine(url) end)
    teardown(function() engine:dispose() end)
    before_each(function() conn = engine:connect() end)
    after_each(function() conn:close() end)

    -- A table of one column besides its number.
    local function table_of(type_, options)
      serial = serial + 1
      local t = sa.Table("promises_" .. serial, sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("v", type_, options or {}))
      t:create(conn)
      return t
    end

    local function refused(class, text, fn)
      local nested = conn:begin_nested()
      raises(class, text, fn)
      nested:rollback()
    end

    -- What the database holds, and what it holds when a value that was read is written again.
    for _, text in ipairs { "[]", "{}", '{"a":[]}', '{"a":{}}', "[1,1.0,null]", "9007199254740993", '{"a":2,"b":1}', '"x"', "true", '[[],[[]],{"q":[{}]}]' } do
      it("a document is the same after it was read and written: " .. text, function()
        local t = table_of(sa.JSON)
        local raw = sa.table(t.name, sa.column("n"), sa.column("v", sa.Text))
        conn:execute(sa.text(("INSERT INTO %s VALUES (1, '%s')"):format(t.name, text)))
        conn:execute(t:insert(), { n = 2, v = conn:scalar(sa.select(t.c.v)) })
        assert.equal(text, conn:scalar(sa.select(sa.cast(raw.c.v, sa.Text)):where(raw.c.n:eq(2))))
      end)
    end

    it("an empty list is one where it is marked, and null is JSON's where it is meant", function()
      local t = table_of(sa.JSON)
      local raw = sa.table(t.name, sa.column("n"), sa.column("v", sa.Text))
      conn:execute(t:insert(), { { n = 1, v = {} }, { n = 2, v = sa.JSON.array {} }, { n = 3, v = sa.JSON.NULL }, { n = 4, v = sa.null },
        { n = 5, v = { sa.null } }, { n = 6, v = { z = 1, a = { c = 1, b = 2 } } } })
      assert.same({ "{}", "[]", "null", sa.null, "[null]", '{"a":{"b":2,"c":1},"z":1}' },
        conn:scalars(sa.select(sa.cast(raw.c.v, sa.Text)):order_by(raw.c.n)):all())
      local read = conn:scalars(sa.select(t.c.v):order_by(t.c.n)):all()
      assert.same({ sa.null, sa.null, { sa.null } }, { read[3], read[4], read[5] })
    end)

    it("dates and times are in order", function()
      local given = {
        { sa.DateTime, { "0999-01-01", "2020-01-01", "2020-01-01T00:00:00.000005", "2020-01-01T00:00:01" }, sa.datetime },
        { sa.Time, { "00:00", "09:30", "09:30:00.000001", "10:00" }, sa.time },
        { sa.Date, { "0005-01-01", "2020-02-03", "2020-10-01" }, sa.date },
        { sa.Interval, { "-1 day", "00:00:00", "00:00:00.000001", "400 days" }, sa.interval },
        { sa.DateTime { timezone = true }, { "2020-01-01T10:00+02:00", "2020-01-01T08:00:00.5Z", "2020-01-01T09:00Z" }, sa.datetime },
      }
      for _, case in ipairs(given) do
        local t, list = table_of(case[1]), {}
        for i, text in ipairs(case[2]) do list[i] = case[3](text) end
        for i = #list, 1, -1 do conn:execute(t:insert(), { n = i, v = list[i] }) end
        local found = conn:scalars(sa.select(t.c.n):order_by(t.c.v)):all()
        assert.equal(#list, #found)
        for i, n in ipairs(found) do assert.equal(i, n) end
        assert.equal(list[#list], conn:scalar(sa.select(sa.func.max(t.c.v))))
      end
    end)

    it("a zone is neither lost nor made up", function()
      local plain, zoned = table_of(sa.DateTime), table_of(sa.DateTime { timezone = true })
      refused("DataError", "its time zone would be lost", function() conn:execute(plain:insert(), { v = sa.datetime("2020-01-01T10:00+02:00") }) end)
      refused("DataError", "it has no time zone and the type has", function() conn:execute(zoned:insert(), { v = sa.datetime(2020, 1, 1) }) end)
      refused("DataError", "a number of seconds is ambiguous", function() conn:execute(plain:insert(), { v = 0 }) end)
      conn:execute(zoned:insert(), { v = sa.datetime("2020-01-01T10:00+02:00") })
      assert.equal("2020-01-01T08:00:00+00:00", conn:scalar(sa.select(zoned.c.v)):in_zone("Z"):isoformat())
      conn:execute(plain:insert(), { { v = os.date("!*t", 86400) }, { v = "1970-01-02T00:00:00" } })
      assert.same({ sa.datetime(1970, 1, 2), sa.datetime(1970, 1, 2) }, conn:scalars(sa.select(plain.c.v)):all())
    end)

    it("whole numbers and others are told apart", function()
      local kind = name == "sqlite" and sa.func.typeof or function(x) return sa.cast(sa.func.pg_typeof(x), sa.Text) end
      local asked = sa.select(kind(sa.bindparam("p")))
      assert.equal("integer", conn:scalar(asked, { p = 3 }))
      assert.equal(name == "sqlite" and "real" or "double precision", conn:scalar(asked, { p = 3.0 }))
      local t = table_of(sa.BigInteger)
      conn:execute(t:insert(), { n = 1, v = 3.0 })
      assert.equal("integer", math.type(conn:scalar(sa.select(t.c.v))))
      for _, value in ipairs { 3.5, 2 ^ 63, 0 / 0, "three" } do
        refused("DataError", "v %(BigInteger%) cannot take", function() conn:execute(t:insert(), { v = value }) end)
      end
    end)

    it("a sum of exact numbers is exact", function()
      local t = table_of(sa.Numeric(10, 2))
      conn:execute(t:insert(), { { v = "0.10" }, { v = "0.20" } })
      assert.equal("0.30", tostring(conn:scalar(sa.select(sa.func.sum(t.c.v)))))
      assert.equal("0.20", tostring(conn:scalar(sa.select(t.c.v * 2):order_by(t.c.v):limit(1))))
    end)

    it("a wide key counts by itself where the database has that, else it says that it is missing", function()
      local t = sa.Table("promises_key", sa.MetaData(), sa.Column("id", sa.BigInteger, { primary_key = true }), sa.Column("x", sa.Integer))
      t:create(conn)
      if name == "postgresql" then
        assert.equal(1, conn:execute(t:insert(), { x = 1 }).inserted_primary_key[1])
      else
        refused("IntegrityError", "promises_key.id", function() conn:execute(t:insert(), { x = 1 }) end)
      end
      local narrow = sa.Table("promises_narrow", sa.MetaData(),
        sa.Column("id", sa.BigInteger():with_variant(sa.Integer, "sqlite"), { primary_key = true }), sa.Column("x", sa.Integer))
      narrow:create(conn)
      assert.equal(1, conn:execute(narrow:insert(), { x = 1 }).inserted_primary_key[1])
    end)

    it("a text longer than its column is the database's to refuse", function()
      local t = table_of(sa.String(3))
      if name == "postgresql" then
        refused("DataError", "too long", function() conn:execute(t:insert(), { v = "abcd" }) end)
      else
        conn:execute(t:insert(), { v = "abcd" })
        assert.equal("abcd", conn:scalar(sa.select(t.c.v)))
      end
      refused("DataError", "convert it with tostring", function() conn:execute(t:insert(), { v = 5 }) end)
    end)

    it("what an enum does not have is refused on its way in and on its way out", function()
      local mood = sa.Enum("sad", "glad", { native_enum = false })
      local t = table_of(mood)
      refused("DataError", "none of the labels 'sad'", function() conn:execute(t:insert(), { v = "mad" }) end)
      refused("DataError", "none of the labels", function() conn:execute(sa.select(t):where(t.c.v:eq("mad"))) end)
      conn:execute(sa.text(("INSERT INTO %s VALUES (1, 'bad')"):format(t.name)))
      refused("DataError", "the database holds it", function() local _ = conn:scalar(sa.select(t.c.v)) end)
      assert.equal("bad", conn:scalar(sa.select(sa.type_coerce(t.c.v, sa.Text))))
    end)

    it("a type of one's own maps values to objects that there is one of, and says what it does not know", function()
      local zones = { utc = { offset = 0 }, cet = { offset = 60 } }
      local Zone = sa.TypeDecorator:extend("Zone", { impl = sa.String(10) })
      function Zone.process_bind_param(_, zone)
        for key, one in pairs(zones) do if one == zone then return key end end
        if zone ~= nil then error("no such zone") end
      end
      function Zone.process_result_value(_, key)
        if key == nil then return nil end
        return zones[key] or error("the zone " .. key .. " is not known")
      end
      local t = table_of(Zone)
      conn:execute(t:insert(), { { n = 1, v = zones.cet }, { n = 2, v = sa.null } })
      assert.equal(zones.cet, conn:scalar(sa.select(t.c.v):where(t.c.v:in_ { zones.utc, zones.cet })))
      assert.is_nil(conn:execute(sa.select(t.c.v):where(t.c.n:eq(2))):one().v)
      local ok, err = pcall(conn.execute, conn, t:insert(), { v = { offset = 60 } })
      assert.is_true(not ok and tostring(err):find("no such zone", 1, true) ~= nil)
      conn:execute(sa.text(("UPDATE %s SET v = 'mars'"):format(t.name)))
      ok, err = pcall(conn.scalar, conn, sa.select(t.c.v))
      assert.is_true(not ok and tostring(err):find("the zone mars is not known", 1, true) ~= nil)
    end)

    it("a boolean is one whatever the database gave", function()
      local t = table_of(sa.Boolean)
      conn:execute(t:insert(), { { n = 1, v = true }, { n = 2, v = false }, { n = 3, v = 0 }, { n = 4, v = 1 }, { n = 5, v = sa.null } })
      assert.same({ true, false, false, true, sa.null }, conn:scalars(sa.select(t.c.v):order_by(t.c.n)):all())
      local one = sa.literal(1)
      assert.same({ false, true, true }, { conn:execute(sa.select(one:eq(2), sa.not_(one:eq(2)), sa.exists(sa.select(t.c.n)))):one():unpack() })
      refused("DataError", "true or false is expected", function() conn:execute(t:insert(), { v = "yes" }) end)
    end)

    it("a load is not disturbed by what is written while it is read", function()
      local Base = orm.declarative_base()
      local Thing = Base:class("Thing", { __tablename__ = "promises_things", id = sa.Column(sa.Integer,
        { primary_key = true }), x = sa.Column(sa.Integer) })
      Base.metadata:create_all(conn)
      local session <close> = orm.Session { bind = conn }
      for i = 1, 300 do session:add(Thing { id = i, x = 0 }) end
      session:flush()
      local seen = 0
      for thing in session:query(Thing):filter(Thing.id:le(10000)):iter() do
        seen = seen + 1
        thing.x = thing.x + 1
        session:add(Thing { id = thing.id + 1000, x = 5 })
        session:flush()
      end
      assert.equal(300, seen)
      assert.equal(600, session:query(Thing):count())
      assert.equal(300 + 300 * 5, session:scalar(sa.select(sa.func.sum(Thing.x))))
    end)
  end)
end
