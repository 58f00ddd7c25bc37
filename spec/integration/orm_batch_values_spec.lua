--- Values of every kind survive a flush of many rows, which go as a few statements of many rows, or as arrays.
local orm = require("lualchemy.orm")
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

    it("keeps every value", function()
      local session <close> = orm.Session{ bind = engine }
      for i = 1, 300 do
        local blob = pick(bytes, i)
        session:add(Sample{ id = i, text = pick(texts, i), number = pick(numbers, i), integer = pick(integers, i),
          flag = pick({ true, false }, i), blob = blob and sa.bytes(blob) })
      end
      session:commit()
      for i = 1, 300 do
        local sample = session:get(Sample, i)
        assert.equal(pick(texts, i), sample.text)
        assert.equal(pick(integers, i), sample.integer)
        assert.equal(pick({ true, false }, i), sample.flag)
        assert.equal(pick(bytes, i), sample.blob and tostring(sample.blob))
        local number = pick(numbers, i)
        if database == "sqlite" and number == 0 then number = 0.0 end    -- its REAL columns know no -0.0
        assert.equal(number and ("%a"):format(number), sample.number and ("%a"):format(sample.number))
      end
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
    end)

    if database == "postgresql" then
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
