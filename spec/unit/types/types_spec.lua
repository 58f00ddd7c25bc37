local core = require("lualchemy._core")
local exc = require("lualchemy.errors")
local types = require("lualchemy.types")

local function fails_with(class, pattern, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(exc[class]:is(err), tostring(err))
  assert.matches(pattern, err.message)
  assert.matches("types_spec%.lua:%d+$", err.where)
end

describe("a type", function()
  local shown = {
    { types.Integer(), "Integer()", "integer" },
    { types.INT(), "INTEGER()", "integer" },
    { types.String(50), "String(length=50)", "string" },
    { types.String{ length = 50, collation = "C" }, 'String(length=50, collation="C")', "string" },
    { types.VARCHAR(30, "C"), 'VARCHAR(length=30, collation="C")', "string" },
    { types.Numeric(10, 2, { asdecimal = false }), "Numeric(precision=10, scale=2, asdecimal=false)", "numeric" },
    { types.Float(53), "Float(precision=53)", "float" },
    { types.DateTime{ timezone = true }, "DateTime(timezone=true)", "datetime" },
    { types.DateTime(true), "DateTime(timezone=true)", "datetime" },
    { types.Interval{ native = false }, "Interval(native=false)", "interval" },
    { types.LargeBinary(16), "LargeBinary(length=16)", "binary" },
    { types.Uuid{ as_uuid = false }, "Uuid(as_uuid=false)", "uuid" },
    { types.JSON{ none_as_null = true }, "JSON(none_as_null=true)", "json" },
    { types.Enum("a", "b", { name = "e" }), 'Enum("a", "b", name="e")', "enum" },
    { types.ARRAY(types.Integer, { dimensions = 2 }), "ARRAY(item_type=Integer(), dimensions=2)", "array" },
    { types.TupleType(types.Integer, types.String(3)), "TupleType()", "tuple" },
  }
  for _, row in ipairs(shown) do
    it("prints as " .. row[2] .. " and comes back from the core", function()
      assert.equal(row[2], tostring(row[1]))
      assert.equal(row[3], core.type_info(row[1]._type).family)
      local again = types.from_handle(row[1]._type)
      assert.equal(getmetatable(row[1]), getmetatable(again))
      assert.same(core.type_info(row[1]._type), core.type_info(again._type))
    end)
  end

  it("may be given as its class", function()
    assert.is_true(types.is_type(types.Integer))
    assert.is_true(types.Integer:is(types.to_instance(types.Integer)))
    assert.equal(types.to_instance(types.Integer), types.to_instance(types.Integer))
    assert.equal("Integer", core.type_info(types.Integer).class)
    assert.is_true(types.String:is(types.VARCHAR(5)))
    assert.is_false(types.String:is(types.Integer()))
  end)

  it("refuses what it does not know", function()
    fails_with("ArgumentError", "no option 'lenght' %(it has: length, collation, collation_schema%)", types.String, { lenght = 5 })
    fails_with("ArgumentError", "length must be a whole number from 0 on, not %-1", types.String, -1)
    fails_with("ArgumentError", "length must be a whole number", types.String, "5")
    fails_with("ArgumentError", "length must be a whole number", types.String, 2.5)
    fails_with("ArgumentError", "at most 1 argument", types.LargeBinary, 1, 2)
    fails_with("ArgumentError", "label 'a' is given twice", types.Enum, "a", "b", "a")
    fails_with("ArgumentError", "labels are strings, not number 3", types.Enum, "a", 3)
    fails_with("ArgumentError", "length 1 is too short", types.Enum, "ab", { length = 1 })
    fails_with("ArgumentError", "zero byte", types.Enum, "a\0b")
    fails_with("ArgumentError", "Column 'x': a type .* is expected, not number 4", types.to_instance, 4, "Column 'x'")
    fails_with("ArgumentError", "is expected, not table", types.to_instance, {})
    fails_with("ArgumentError", "is expected, not string Integer", types.ARRAY, "Integer")
    fails_with("ArgumentError", "its items is missing", types.ARRAY)
    fails_with("ArgumentError", "dimensions", types.ARRAY, types.ARRAY(types.Integer))
  end)

  it("has variants per dialect", function()
    local t = types.String(5):with_variant(types.Text, "postgresql"):with_variant(types.CHAR(7), { "sqlite", "x" })
    assert.equal("Text", core.type_info(core.type_for(t, "postgresql")).class)
    assert.equal(7, core.type_info(core.type_for(t, "x")).length)
    assert.equal("CHAR(length=7)", tostring(t:dialect_impl("sqlite")))
    assert.equal("String(length=5)", tostring(t))
    assert.equal("String", core.type_info(core.type_for(t, "other")).class)
    assert.is_nil(types.String(5).variants)
    fails_with("ArgumentError", "at least one dialect", t.with_variant, t, types.Text)
    fails_with("ArgumentError", "is expected", t.with_variant, t, 5, "sqlite")
  end)
end)

describe("a type of the user's own", function()
  local Upper = types.TypeDecorator:extend("Upper", { impl = types.String })
  function Upper.process_bind_param(_, value) return value and value:upper() end

  it("tells the core its hooks and what is behind it", function()
    local info = core.type_info(Upper(12))
    assert.equal("Upper", info.class_name)
    assert.equal("string", info.family)
    assert.equal(12, core.type_info(info.item).length)
    assert.is_true(info.hook_bind)
    assert.is_false(info.hook_result)
    assert.equal("Upper(impl=String(length=12))", tostring(info.object))
    assert.equal(12, Upper(12).length)
  end)

  it("works bare and is found again from its handle", function()
    assert.is_true(types.is_type(Upper))
    local t = types.to_instance(Upper)
    assert.equal(t, types.from_handle(Upper._type))
    assert.equal(t, types.from_handle(t._type))
  end)

  it("is let go when nothing uses it", function()
    local gone = setmetatable({}, { __mode = "k" })
    for i = 1, 10 do
      local t = Upper(i)
      gone[t] = t._type ~= nil
    end
    collectgarbage()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(gone))
  end)

  it("is kept by the handle", function()
    local handle = Upper(33)._type
    collectgarbage()
    collectgarbage()
    assert.equal(33, types.from_handle(handle).length)
  end)

  it("must name the type behind it, and have functions for hooks", function()
    fails_with("ArgumentError", "Bad: the field impl must name", types.TypeDecorator:extend("Bad"))
    local Odd = types.TypeDecorator:extend("Odd", { impl = types.String, process_bind_param = 5 })
    fails_with("ArgumentError", "Odd.process_bind_param must be a function, not number", function() return Odd()._type end)
  end)

  it("may be made from nothing", function()
    local Point = types.UserDefinedType:extend("Point", { get_col_spec = function() return "POINT" end })
    local info = core.type_info(Point())
    assert.equal("user", info.family)
    assert.equal("Point", info.class_name)
    assert.is_false(info.hook_bind)
  end)

  it("of one database alone names the general one that it is a kind of", function()
    local pg = require("lualchemy.dialects.postgresql")
    for _, row in ipairs {
      { types.VARCHAR(5), "String(length=5)" }, { types.VARCHAR, "String()" }, { types.TIMESTAMP { timezone = true }, "DateTime(timezone=true)" },
      { types.NUMERIC(5, 2), "Numeric(precision=5, scale=2)" }, { types.BIGINT, "BigInteger()" }, { types.Integer, "Integer()" },
      { pg.JSONB, "JSON()" }, { pg.BYTEA, "LargeBinary()" }, { pg.ENUM("a", "b", { name = "x" }), 'Enum("a", "b", name="x")' },
      { types.ARRAY(types.Integer), "ARRAY(item_type=Integer())" },
    } do
      assert.equal(row[2], tostring(row[1]:as_generic()))
    end
    assert.equal("NullType()", tostring(types.NullType():as_generic { allow_nulltype = true }))
    for _, type_ in ipairs { pg.INET, pg.TSVECTOR, types.NullType } do
      fails_with("NotImplementedError", "as_generic", function() type_:as_generic() end)
    end
  end)
end)
