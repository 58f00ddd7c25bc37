--- Values of every kind survive a flush of many rows, which go as a few statements of many rows, or as arrays.
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local texts = { "", "NULL", "null", '"', "\\", '\\"', "{}", "{a,b}", "a,b", " around ", "line\nbreak", "tab\t", "it's", "äöü €", "\\x00", '""',
  "x", ("long "):rep(2000), "%s", "$1" }
local numbers = { 0.0, -0.0, 1.5, -2.25e-10, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3 }
local integers = { 0, -1, math.maxinteger, math.mininteger, 42 }
local bytes = { "", "\0", "\\", '"', "\0\1\2\255", "plain", ("\\\0"):rep(100) }

for database, url in targets.each() do
  describe("a flush of many rows on " .. database, function()
    local engine, Sample, metadata
    before_each(function()
      engine = sa.create_engine(url)
      local Base = orm.declarative_base()
      metadata = Base.metadata
      Sample = Base:class("Sample", { __tablename__ = "orm_batch_sample", id = sa.Column(sa.Integer, { primary_key = true }),
        text = sa.Column(sa.Text), number = sa.Column(sa.Float), integer = sa.Column(sa.BigInteger),
        flag = sa.Column(sa.Boolean), blob = sa.Column(sa.LargeBinary) })
      metadata:drop_all(engine)
      metadata:create_all(engine)
    end)
    after_each(function()
      metadata:drop_all(engine)
      engine:dispose()
    end)

    local function pick(list, i) return list[i % (#list + 1)] end     -- nil now and then

    local function values(i)
      local blob = pick(bytes, i)
      return { text = pick(texts, i), number = pick(numbers, i), integer = pick(integers, i), flag = pick({ true, false }, i),
        blob = blob and sa.bytes(blob) }
    end

    local function check(sample, i)
      assert.equal(pick(texts, i), sample.text)
      assert.equal(pick(integers, i), sample.integer)
      assert.equal(pick({ true, false }, i), sample.flag)
      assert.equal(pick(bytes, i), sample.blob and tostring(sample.blob))
      local number = pick(numbers, i)
      if database == "sqlite" and number == 0 then number = 0.0 end    -- its REAL columns know no -0.0
      assert.equal(number and ("%a"):format(number), sample.number and ("%a"):format(sample.number))
    end

    it("keeps every value", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 300 do
        local sample = Sample(values(i))
        sample.id = i
        session:add(sample)
      end
      session:commit()
      for i = 1, 300 do check(session:get(Sample, i), i) end
    end)

    it("keeps every value that changes", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 300 do session:add(Sample{ id = i, text = "old", number = 7, integer = 7, blob = sa.bytes("old") }) end
      session:commit()
      for _, sample in ipairs(session:query(Sample):order_by(Sample.id:desc()):all()) do
        local new = values(sample.id)
        for _, key in ipairs{ "text", "number", "integer", "flag", "blob" } do sample[key] = new[key] end
      end
      session:commit()
      for i = 1, 300 do check(session:get(Sample, i), i) end
    end)

    it("gives the keys of thousands of rows to the objects whose rows they are, and changes each of them", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 2300 do session:add(Sample{ text = "text " .. i, integer = i }) end
      session:commit()
      for _, sample in ipairs(session:query(Sample):all()) do sample.text = "changed " .. sample.integer end
      session:commit()
      local rows = session:execute(sa.select(Sample.id, Sample.text, Sample.integer):order_by(Sample.id)):all()
      assert.equal(2300, #rows)
      for i, row in ipairs(rows) do
        assert.equal(i, row.integer)
        assert.equal("changed " .. i, row.text)
      end
    end)

    it("is undone whole when a row far behind cannot be written, and the session goes on", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 1800 do session:add(Sample{ text = i == 1500 and 3 or "text" }) end
      raises("DataError", "Sample.text", session.flush, session)
      session:rollback()
      session:add_all{ Sample{ id = 1 }, Sample{ id = 2 }, Sample{ id = 3 }, Sample{ id = 4 }, Sample{ id = 5 } }
      session:commit()
      for i = 1, 1800 do session:add(Sample{ id = i == 1500 and 3 or 10 + i }) end
      raises("IntegrityError", {}, session.flush, session)
      session:rollback()
      assert.equal(5, session:query(Sample):count())
    end)

    it("deletes the rows of many objects, by keys of any kind", function()
      local Base = orm.declarative_base()
      local columns = { text = { sa.Text, texts }, number = { sa.BigInteger, integers }, two = { sa.Text, texts } }
      for name, column in pairs(columns) do
        local definition = { __tablename__ = "orm_batch_" .. name, key = sa.Column(column[1], { primary_key = true }) }
        if name == "two" then definition.other = sa.Column(sa.Integer, { primary_key = true }) end
        columns[name].class = Base:class("Sample_" .. name, definition)
      end
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      for name, column in pairs(columns) do
        local session <close> = orm.Session{ bind = engine }
        for i, key in ipairs(column[2]) do session:add(column.class{ key = key, other = name == "two" and i or nil }) end
        session:flush()
        assert.equal(#column[2], session:query(column.class):count())
        local all = session:query(column.class):all()
        for i = 2, #all do session:delete(all[i]) end
        session:flush()
        assert.equal(1, session:query(column.class):count())
        assert.equal(all[1], session:query(column.class):one())
        session:rollback()
      end
      Base.metadata:drop_all(engine)
    end)

    it("is undone where it deleted what the same transaction had made", function()
      local session <close> = orm.Session{ bind = engine }
      local sample = Sample{ id = 1, text = "one" }
      session:add(sample)
      session:flush()
      session:delete(sample)
      session:flush()
      session:rollback()
      assert.is_nil(orm.object_session(sample))
      assert.equal("one", sample.text)
      session:add(sample)
      session:commit()
      assert.equal(1, session:query(Sample):count())
    end)

    it("notices that a row of many was gone already", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 20 do session:add(Sample{ id = i }) end
      session:commit()
      local all = session:query(Sample):all()
      session:execute(sa.text("DELETE FROM orm_batch_sample WHERE id = 7"))
      for _, sample in ipairs(all) do session:delete(sample) end
      local ok, err = pcall(session.flush, session)
      assert.is_false(ok)
      assert.is_true(sa.exc.StaleDataError:is(err), tostring(err))
      assert.matches("expected to delete 20 row%(s%); 19 were matched", err.message)
      session:rollback()
      assert.equal(20, session:query(Sample):count())
      all = session:query(Sample):all()
      session:execute(sa.text("DELETE FROM orm_batch_sample WHERE id = 7"))
      for _, sample in ipairs(all) do sample.text = "new" end
      raises("StaleDataError", "expected to update 20 row%(s%); 19 were matched", session.flush, session)
    end)

    if database == "sqlite" then
      -- The objects of a flush of 700, and how many of its INSERTs asked for the keys.
      local function flush(session, class)
        local objects, asked, sent = {}, 0, 0
        sa.event.listen(engine, "before_cursor_execute", function(_, _, sql)
          if sql:find("^INSERT") then sent = sent + 1 end
          if sql:find("RETURNING") then asked = asked + 1 end
        end)
        for i = 1, 700 do
          objects[i] = class{ text = "text " .. i }
          session:add(objects[i])
        end
        session:flush()
        return objects, asked, sent
      end

      local function check_keys(session, objects)
        local keys = {}
        for _, object in ipairs(objects) do keys[object.id] = object.text end
        local rows = session:execute(sa.text("SELECT id, text FROM orm_batch_sample WHERE text LIKE 'text%'")):all()
        assert.equal(700, #rows)
        for _, row in ipairs(rows) do assert.equal(row.text, keys[row.id]) end
      end

      it("asks for the keys of the first rows, from which the others follow", function()
        local session <close> = orm.Session{ bind = engine }
        local objects, asked, sent = flush(session, Sample)
        assert.equal(1, asked)
        assert.is_true(sent > 2)
        check_keys(session, objects)
      end)

      it("asks for every key where a trigger may put rows in between", function()
        local session <close> = orm.Session{ bind = engine }
        session:execute(sa.text([[CREATE TEMP TRIGGER orm_batch_trigger AFTER INSERT ON ORM_batch_sample WHEN new.text LIKE 'text%'
          BEGIN INSERT INTO orm_batch_sample (text) VALUES ('of the trigger'); END]]))
        local objects, asked, sent = flush(session, Sample)
        assert.equal(sent, asked)
        check_keys(session, objects)
        session:rollback()
      end)

      it("refuses keys that the database makes in no order, near the last number", function()
        local session <close> = orm.Session{ bind = engine }
        session:add(Sample{ id = math.maxinteger - 300 })
        session:flush()
        raises("FlushError", "cannot be told apart", flush, session, Sample)
      end)
    end

    if database == "postgresql" then
      it("refuses what is too long for its column instead of cutting it off", function()
        local Base = orm.declarative_base()
        local Short = Base:class("Short", { __tablename__ = "orm_batch_short", id = sa.Column(sa.Integer, { primary_key = true }),
          text = sa.Column(sa.String(5)), fixed = sa.Column(sa.CHAR(5)) })
        Base.metadata:drop_all(engine)
        Base.metadata:create_all(engine)
        local session <close> = orm.Session{ bind = engine }
        for _, values_ in ipairs{ { text = "abcdef" }, { fixed = "abcdef" } } do
          for _ = 1, 10 do session:add(Short(values_)) end
          raises("DataError", "value too long for type", session.flush, session)
          session:rollback()
        end
        for i = 1, 10 do session:add(Short{ text = "text" .. i % 10, fixed = "a" }) end
        session:commit()
        for _, short in ipairs(session:query(Short):all()) do short.text = "abcdef" end
        raises("DataError", "value too long for type", session.flush, session)
        session:rollback()
        Base.metadata:drop_all(engine)
      end)

      it("locks the rows it changes in the order of their keys, however few the table has", function()
        local session <close> = orm.Session{ bind = engine }
        for i = 1, 20 do session:add(Sample{ id = i, text = "old" }) end
        session:commit()
        session:execute(sa.text("ANALYZE orm_batch_sample"))
        local seen
        sa.event.listen(engine, "before_cursor_execute", function(_, _, sql, params)
          if sql:find("^UPDATE") then seen = { sql, params } end
        end)
        for _, sample in ipairs(session:query(Sample):all()) do sample.text = "new" end
        session:flush()
        assert.equal('{"new","new"', seen[2][1]:sub(1, 12))
        assert.equal("{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20}", seen[2][2])
        local sql = seen[1]:gsub("%$(%d)", function(n) return "'" .. seen[2][tonumber(n)] .. "'" end)
        local plan = {}
        for row in session:execute(sa.text("EXPLAIN (COSTS OFF) " .. sql:gsub(":", "\\:"))) do plan[#plan + 1] = row[1] end
        assert.matches("Nested Loop.-Function Scan on rows.-orm_batch_sample", table.concat(plan, "\n"))
      end)

      it("makes rows ready while the database takes those before them", function()
        local order = {}
        local Noted = sa.TypeDecorator:extend("Noted", { impl = sa.Text, cache_ok = true })
        function Noted:process_bind_param(value)
          if order[#order] ~= value then order[#order + 1] = value end
          return value
        end
        local Base = orm.declarative_base()
        local Row = Base:class("Row", { __tablename__ = "orm_batch_noted", id = sa.Column(sa.Integer, { primary_key = true }),
          first = sa.Column(Noted), second = sa.Column(Noted) })
        Base.metadata:drop_all(engine)
        Base.metadata:create_all(engine)
        sa.event.listen(engine, "before_cursor_execute", function(_, _, sql) order[#order + 1] = sql:match("%u+") end)
        sa.event.listen(engine, "after_cursor_execute", function(_, _, sql) order[#order + 1] = sql:match("%u+") .. " done" end)
        local session <close> = orm.Session{ bind = engine }
        local rows = {}
        for i = 1, 40 do rows[i] = i <= 20 and Row{ id = 100 + i, first = "a", second = "a" } or Row{ first = "b", second = "b" } end
        session:add_all(rows)
        session:flush()
        assert.same({ "a", "INSERT", "b", "INSERT done", "INSERT", "INSERT done" }, order)
        order = {}
        for i, row in ipairs(rows) do row[i <= 20 and "second" or "first"] = i <= 20 and "d" or "c" end
        session:flush()
        assert.same({ "c", "UPDATE", "d", "UPDATE done", "UPDATE", "UPDATE done" }, order)
        session:rollback()
        Base.metadata:drop_all(engine)
      end)

      it("keeps what is no number", function()
        local session <close> = orm.Session{ bind = engine }
        for i = 1, 10 do session:add(Sample{ id = i, number = ({ math.huge, -math.huge, 0 / 0 })[i % 3 + 1] }) end
        session:commit()
        for i = 1, 10 do
          local got, sent = session:get(Sample, i).number, ({ math.huge, -math.huge, 0 / 0 })[i % 3 + 1]
          assert.is_true(got == sent or (got ~= got and sent ~= sent))
        end
      end)

      it("refuses text with a zero byte, naming the attribute", function()
        local session <close> = orm.Session{ bind = engine }
        for i = 1, 10 do session:add(Sample{ id = i, text = i == 7 and "a\0b" or "fine" }) end
        local ok, err = pcall(session.flush, session)
        assert.is_false(ok)
        assert.is_true(sa.exc.DataError:is(err), tostring(err))
        assert.matches("Sample.text", err.message)
      end)
    end
  end)
end
