--- INSERT ... RETURNING with many parameter sets: few statements, all rows, in the order of the sets when asked.
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("INSERT with RETURNING and many sets on " .. name, function()
    local engine, conn, people
    before_each(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
      people = sa.Table("insert_many_spec", sa.MetaData(),
        sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(20), { unique = true }),
        sa.Column("born", sa.Date),
        sa.Column("note", sa.String(20), { default = "none" }))
      people:create(conn)
    end)
    after_each(function()
      conn:close()
      engine:dispose()
    end)

    local function sets(n)
      local list = {}
      for i = 1, n do list[i] = { name = "n" .. i * 7919 % 10007, born = "2020-01-01" } end
      return list
    end

    local function assert_in_order(rows, list)
      assert.equal(#list, #rows)
      for i, row in ipairs(rows) do assert.equal(list[i].name, row.name) end
    end

    -- The place of each set's row, whatever the order of the rows.
    local function stored(list)
      local by_name, names = {}, {}
      for _, row in ipairs(conn:execute(sa.select(people)):all()) do by_name[row.name] = row end
      for i, set in ipairs(list) do names[i] = by_name[set.name].id end
      return names
    end

    it("returns the rows of all chunks in one result", function()
      local list = sets(2501)
      local result = conn:execute(sa.insert(people):returning(people.c.id, people.c.name), list)
      assert.is_true(result.returns_rows)
      assert.equal(2501, result.rowcount)
      local seen = {}
      for row in result do seen[row.name] = row[people.c.id] end
      for i, id in ipairs(stored(list)) do assert.equal(id, seen[list[i].name]) end
      assert.is_true(result.context.batch_sets > 50)
    end)

    it("stays below the number of parameters that a statement takes", function()
      local columns, list = { sa.Column("id", sa.Integer, { primary_key = true }) }, {}
      for i = 1, 50 do columns[i + 1] = sa.Column("c" .. i, sa.Integer) end
      columns[#columns + 1] = { prefixes = { "TEMPORARY" } }
      local wide = sa.Table("insert_many_wide", sa.MetaData(), table.unpack(columns))
      wide:create(conn)
      for n = 1, 1500 do
        list[n] = {}
        for i = 1, 50 do list[n]["c" .. i] = n end
      end
      assert.equal(1500, #conn:execute(sa.insert(wide):returning(wide.c.id), list):all())
      assert.equal(1500, conn:execute(sa.insert(wide), list).rowcount)
      assert.equal(3000, conn:scalar(sa.select(sa.func.count()):select_from(wide):where(wide.c.c1:eq(wide.c.c50))))
    end)

    it("puts as many rows into a statement as was asked for", function()
      local pages = sa.Table("insert_many_pages", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(20)), { prefixes = { "TEMPORARY" } })
      local function sent_in(options, call_options)
        local other <close> = sa.create_engine(url, options):connect()
        pages:create(other)
        local batch
        sa.event.listen(other, "after_cursor_execute", function(_, _, _, _, context) batch = context.batch_sets end)
        local list = {}
        for i = 1, 60 do list[i] = { id = i, name = "n" .. i } end
        local insert = pages:insert():returning(pages, { sort_by_parameter_order = true })
        assert_in_order(other:execute(insert, list, call_options):all(), list)
        return batch or 1
      end
      assert.equal(60, sent_in {})
      assert.equal(20, sent_in { insertmanyvalues_page_size = 20 })
      assert.equal(30, sent_in({ insertmanyvalues_page_size = 20 }, { execution_options = { insertmanyvalues_page_size = 30 } }))
      assert.equal(1, sent_in { use_insertmanyvalues = false, insertmanyvalues_page_size = 20 })
      for _, bad in ipairs { 0, -1, 1.5, "many" } do
        raises("ArgumentError", "insertmanyvalues_page_size' takes a number of rows, 1 or more, got", sa.create_engine, url,
          { insertmanyvalues_page_size = bad })
        raises("ArgumentError", "'insertmanyvalues_page_size' is a number of rows", conn.execution_options, conn,
          { insertmanyvalues_page_size = bad })
      end
    end)

    it("keeps the order of the sets, told by the number the database counted up", function()
      local list = sets(2501)
      local result = conn:execute(sa.insert(people):returning(people.c.id, people.c.name,
        { sort_by_parameter_order = true }), list)
      local keys = result.inserted_primary_key_rows
      assert.equal(name == "postgresql" and "numbered" or "single", result.context.insert_plan.kind)
      local rows, ids = result:all(), stored(list)
      assert_in_order(rows, list)
      for i, row in ipairs(rows) do
        assert.equal(ids[i], row.id)
        assert.equal(ids[i], keys[i].id)
      end
    end)

    it("keeps the order of the sets, told by the keys that they bring", function()
      local list = sets(1203)
      for i, set in ipairs(list) do set.id = 5000 - i end
      local result = conn:execute(sa.insert(people):returning(people, { sort_by_parameter_order = true }), list)
      assert.equal("keys", result.context.insert_plan.kind)
      local rows = result:all()
      assert_in_order(rows, list)
      assert.equal(4999, rows[1].id)
      assert.equal("none", rows[1203].note)
      assert.equal(sa.date("2020-01-01"), rows[7].born)
    end)

    it("sends set by set where nothing returned tells the sets apart", function()
      local list = sets(5)
      local result = conn:execute(sa.insert(people):returning(people.c.name, { sort_by_parameter_order = true }), list)
      assert.equal("single", result.context.insert_plan.kind)
      assert_in_order(result:all(), list)
      assert.equal(5, result.rowcount)
    end)

    it("an upsert keeps the order too, with a row per set that wrote one", function()
      local dialect = require("lualchemy.dialects." .. name)
      local list = sets(4)
      conn:execute(sa.insert(people), list[3])
      local insert = dialect.insert(people)
      local upsert = insert:on_conflict_do_update { index_elements = { people.c.name },
        set_ = { note = insert.excluded.name } }:returning(people.c.id, people.c.name, people.c.note,
        { sort_by_parameter_order = true })
      local rows = conn:execute(upsert, list):all()
      assert_in_order(rows, list)
      assert.equal(list[3].name, rows[3].note)
      assert.equal("none", rows[4].note)
      assert.equal(stored(list)[3], rows[3].id)
      local ignored = insert:on_conflict_do_nothing():returning(people.c.name, { sort_by_parameter_order = true })
      list[5] = { name = "new", born = "2020-01-01" }
      assert.same({ "new" }, conn:execute(ignored, list):scalars():all())
    end)

    it("expressions around parameters and server-side values keep their types", function()
      local list = sets(30)
      for _, set in ipairs(list) do set.born, set.word = nil, set.name end
      local word = sa.func.upper(sa.bindparam("word", sa.String()))
      local statement = sa.insert(people):values { note = word, born = sa.func.current_date() }
      local result = conn:execute(statement:returning(people, { sort_by_parameter_order = true }), list)
      for i, row in ipairs(result:all()) do assert.equal(list[i].name:upper(), row.note) end
    end)

    it("tells the keys of many rows after return_defaults", function()
      local list = sets(40)
      local result = conn:execute(sa.insert(people):return_defaults(), list)
      assert.is_false(result.returns_rows)
      assert.equal(40, result.rowcount)
      local ids = stored(list)
      for i, key in ipairs(result.inserted_primary_key_rows) do assert.same({ ids[i] }, key:values()) end
    end)

    it("an error in a later set names the statement and leaves the connection usable", function()
      local list = sets(3)
      list[3].name = list[1].name
      local savepoint = conn:begin_nested()
      local ok, err = pcall(conn.execute, conn,
        sa.insert(people):returning(people.c.name, { sort_by_parameter_order = true }), list)
      assert.is_false(ok)
      assert.is_true(sa.exc.IntegrityError:is(err), tostring(err))
      assert.matches("INSERT INTO insert_many_spec", err.statement)
      savepoint:rollback()
      assert.equal(0, conn:scalar(sa.select(sa.func.count()):select_from(people)))
    end)

    it("an UPDATE with RETURNING gives the rows of every set", function()
      conn:execute(sa.insert(people), sets(3))
      local statement = sa.update(people):where(people.c.id:eq(sa.bindparam("which")))
        :values { note = sa.bindparam("text") }:returning(people.c.id, people.c.note)
      local rows = conn:execute(statement, { { which = 2, text = "b" }, { which = 1, text = "a" }, { which = 9, text = "" } })
      assert.same({ { 2, "b" }, { 1, "a" } }, (function()
        local out = {}
        for row in rows do out[#out + 1] = row:values() end
        return out
      end)())
    end)
  end)
end
