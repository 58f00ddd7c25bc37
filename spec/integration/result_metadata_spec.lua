--- What a result tells of the statement besides its rows: parameters, defaults, columns.
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("a result on " .. name, function()
    local engine = sa.create_engine(url)
    local t = sa.Table("metadata_t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a", sa.Integer, { default = 5 }),
      sa.Column("b", sa.Integer, { server_default = "7" }), sa.Column("c", sa.Integer, { default = sa.func.abs(-3) }),
      sa.Column("d", sa.Integer, { default = function() return 9 end, onupdate = function() return 10 end }),
      sa.Column("e", sa.Integer, { onupdate = 11 }), sa.Column("f", sa.DateTime))
    local conn
    before_each(function()
      conn = engine:connect()
      t:drop(conn, { checkfirst = true })
      t:create(conn)
    end)
    after_each(function() conn:close() end)

    local function names(columns)
      local list = {}
      for i, column in ipairs(columns) do list[i] = column.name end
      return list
    end

    it("knows the parameters of an INSERT, defaults among them", function()
      local moment = sa.datetime(2020, 1, 2)
      local result = conn:execute(t:insert(), { f = moment, e = sa.null })
      assert.same({ a = 5, abs_1 = -3, d = 9, e = sa.null, f = moment }, result:last_inserted_params())
      assert.same({ "a", "d" }, names(result:prefetch_cols()))
      assert.same({ "b", "c" }, names(result:postfetch_cols()))
      assert.is_true(result:lastrow_has_defaults() and result.is_insert)
    end)

    it("knows those of many sets", function()
      local result = conn:execute(t:insert(), { { a = 1, b = 2 }, { a = 2, b = 3 } })
      assert.same({ { a = 1, b = 2, abs_1 = -3, d = 9 }, { a = 2, b = 3, abs_1 = -3, d = 9 } }, result:last_inserted_params())
      assert.same({ "c" }, names(result:postfetch_cols()))
    end)

    it("knows those of an UPDATE", function()
      conn:execute(t:insert(), { id = 1 })
      local result = conn:execute(t:update():where(t.c.id:eq(1)):values { a = 6 })
      assert.same({ a = 6, d = 10, e = 11, id_1 = 1 }, result:last_updated_params())
      assert.same({ "d", "e" }, names(result:prefetch_cols()))
      assert.same({}, result:postfetch_cols())
      assert.is_false(result:lastrow_has_defaults() or result.is_insert)
      assert.is_true(result:supports_sane_rowcount() and result:supports_sane_multi_rowcount())
    end)

    it("knows its columns, its connection and its dialect", function()
      local result = conn:execute(sa.select(t.c.a, t.c.b:label("x")))
      assert.same({ { "a" }, { "x" } }, result.description)
      assert.equal(conn, result.connection)
      assert.equal(engine.dialect.name, result.dialect.name)
      assert.is_nil(conn:execute(t:delete()).description)
      assert.same({ { "id" } }, conn:execute(t:insert():returning(t.c.id)).description)
    end)

    it("says where a question has no answer", function()
      local rows = conn:execute(sa.select(t))
      expect.raises_here("InvalidRequestError", "Statement is not an insert%(%) expression construct", function() rows:last_inserted_params() end)
      expect.raises_here("InvalidRequestError", "not an update%(%)", function() conn:execute(t:insert()):last_updated_params() end)
      expect.raises_here("InvalidRequestError", "not an insert%(%) or update%(%)", function() rows:prefetch_cols() end)
      expect.raises_here("InvalidRequestError", "not an insert%(%) or update%(%)", function() conn:execute(sa.text("SELECT 1")):postfetch_cols() end)
      assert.is_false(rows:lastrow_has_defaults())
    end)
  end)
end
