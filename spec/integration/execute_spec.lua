--- Statements of the expression language, executed.
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("executing on " .. name, function()
    local engine, conn, users, calls
    before_each(function()
      calls = 0
      engine = sa.create_engine(url)
      conn = engine:connect()
      users = sa.Table("execute_spec", sa.MetaData(),
        sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(50)),
        sa.Column("born", sa.Date),
        sa.Column("amount", sa.Numeric(10, 2)),
        sa.Column("state", sa.String(10), { default = "new", onupdate = "changed" }),
        sa.Column("tag", sa.String(50), { default = function(ctx)
          calls = calls + 1
          return "tag of " .. tostring(ctx.current_parameters.name)
        end }))
      conn:exec_driver_sql("CREATE TEMPORARY TABLE execute_spec (id "
        .. (name == "sqlite" and "INTEGER PRIMARY KEY" or "SERIAL PRIMARY KEY")
        .. ", name VARCHAR(50), born DATE, amount NUMERIC(10, 2), state VARCHAR(10), tag VARCHAR(50))")
      conn:commit()
    end)
    after_each(function()
      conn:close()
      engine:dispose()
    end)

    local function all() return conn:execute(sa.select(users):order_by(users.c.id)):all() end

    it("an INSERT tells the key of its row", function()
      local result = conn:execute(sa.insert(users):values { name = "ed" })
      assert.same({ 1 }, result.inserted_primary_key:values())
      assert.equal(1, result.inserted_primary_key.id)
      assert.is_false(result.returns_rows)
      assert.equal(1, result.rowcount)
      assert.equal(7, conn:execute(sa.insert(users), { id = 7, name = "x" }).inserted_primary_key[1])
      assert.is_nil(conn:execute(sa.select(users)).inserted_primary_key)
    end)

    it("several rows in one values() get what the functions make for each of them", function()
      conn:execute(sa.insert(users):values { { id = 1, name = "ed" }, { id = 2, name = "jo", tag = "own" }, { id = 3, name = "al" } })
      local tags = {}
      for i, row in ipairs(all()) do tags[i] = row.tag .. "/" .. row.state end
      assert.same({ "tag of ed/new", "own/new", "tag of al/new" }, tags)
      assert.equal(2, calls)
      conn:execute(sa.insert(users):values { id = 4, name = "kim" })
      assert.equal("tag of kim", all()[4].tag)
    end)

    it("a parameter's function is called at each execution that brings no value", function()
      local made = 0
      local function make()
        made = made + 1
        return made
      end
      local one = sa.select(sa.bindparam("n", { callable_ = make, type_ = sa.Integer }))
      assert.same({ 1, 2, 70, 3 }, { conn:scalar(one), conn:scalar(one), conn:scalar(one, { n = 70 }), conn:scalar(one) })
      assert.equal(4, one:compile().params.n)
      assert.equal(80, conn:scalar(one:params { n = 80 }))
      assert.equal("SELECT 5 AS anon_1", one:compile { literal_binds = true }.string)
      local function up_to() return table.pack(table.unpack({ 1, 2, 3, 4, 5, 6, 7 }, 1, make())) end
      local listed = sa.select(sa.literal(7):in_(sa.bindparam("list", { callable_ = up_to, expanding = true })))
      assert.is_false(conn:scalar(listed))
      assert.is_true(conn:scalar(listed))
    end)

    it("a parameter of a column is not for a criterion that was named the same", function()
      local metadata_ = sa.MetaData()
      local t = sa.Table("execute_named", metadata_, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("data", sa.String(9)),
        sa.Column("data_1", sa.String(9)))
      metadata_:create_all(conn)
      conn:execute(t:insert(), { { id = 1, data = "x", data_1 = "p" }, { id = 2, data = "new", data_1 = "q" } })
      conn:execute(t:update():where(t.c.data:eq("x")), { data_1 = "new" })
      local sets = sa.select(t.c.data_1):order_by(t.c.id)
      assert.same({ "new", "q" }, conn:scalars(sets):all())
      conn:execute(t:update():where(t.c.data:eq("x")):values { data_1 = "newer" })
      conn:execute(t:update():where(t.c.data:eq("new")), { { data_1 = "r" }, { data_1 = "s" } })
      assert.same({ "newer", "s" }, conn:scalars(sets):all())
      metadata_:drop_all(conn)
    end)

    it("defaults are made once per row, by values and by functions that see the row", function()
      conn:execute(sa.insert(users), { { name = "a" }, { name = "b" } })
      assert.equal(2, calls)
      local rows = all()
      assert.same({ "new", "tag of a" }, { rows[1].state, rows[1].tag })
      assert.same({ "new", "tag of b" }, { rows[2].state, rows[2].tag })
      conn:execute(sa.insert(users), { name = "c", tag = "given", state = sa.null })
      assert.equal(2, calls)
      assert.is_nil(all()[3].state)
      conn:execute(sa.insert(users):values { name = "d" }, { id = 9 })
      assert.equal("tag of d", conn:scalar(sa.select(users.c.tag):where(users.c.id:eq(9))))
      conn:execute(sa.insert(users):values { name = "e" })
      assert.equal("tag of e", conn:scalar(sa.select(users.c.tag):where(users.c.name:eq("e"))))
      conn:execute(sa.update(users):where(users.c.id:eq(1)):values { name = "z" })
      assert.same({ "z", "changed" }, { all()[1].name, all()[1].state })
    end)

    it("parameter sets must have the same keys", function()
      raises("InvalidRequestError", "set 2 has no value for 'name'", conn.execute, conn, sa.insert(users),
        { { name = "a" }, { born = "2020-01-01" } })
      raises("InvalidRequestError", "set 2 has the key 'born'", conn.execute, conn, sa.insert(users),
        { { name = "a" }, { name = "b", born = "2020-01-01" } })
      raises("ArgumentError", "set 2 is a number", conn.execute, conn, sa.insert(users), { { name = "a" }, 5 })
      raises("CompileError", "execute_spec has no column 'nam'", conn.execute, conn, sa.insert(users), { nam = "a" })
      assert.equal(0, #all())
    end)

    it("many sets arrive complete and in order, whatever their number", function()
      for _, n in ipairs { 1, 3, 4, 99, 100, 101, 1050, 2500 } do
        conn:execute(sa.delete(users))
        local sets = {}
        for i = 1, n do sets[i] = { id = i, name = "n" .. i, amount = sa.null } end
        local result = conn:execute(sa.insert(users), sets)
        assert.equal(n, result.rowcount)
        local seen = 0
        for row in conn:execute(sa.select(users.c.id, users.c.name):order_by(users.c.id)) do
          seen = seen + 1
          assert.equal(seen, row.id)
          assert.equal("n" .. seen, row.name)
        end
        assert.equal(n, seen)
      end
    end)

    it("a bad value is refused before anything is sent", function()
      raises("DataError", "born %(Date%) cannot take", conn.execute, conn, sa.insert(users),
        { { name = "a", born = "2020-01-01" }, { name = "b", born = "nonsense" } })
      assert.equal(0, #all())
    end)

    it("values keep their types", function()
      conn:execute(sa.insert(users), { name = "a", born = sa.date(2020, 2, 29), amount = sa.decimal("1.10") })
      local row = all()[1]
      assert.is_true(row.born == sa.date(2020, 2, 29))
      assert.equal("1.10", tostring(row.amount))
    end)

    it("rows answer to columns, also through aliases and labels", function()
      conn:execute(sa.insert(users), { name = "a" })
      local row = conn:execute(sa.select(users.c.id, users.c.name:label("n"))):one()
      assert.equal(1, row[users.c.id])
      assert.equal("a", row[users.c.name])
      assert.equal("a", row.n)
      local other = users:alias("o")
      row = conn:execute(sa.select(other.c.name, users.c.id)):one()
      assert.equal("a", row[other.c.name])
      assert.equal(1, row[users.c.id])
      raises("NoSuchColumnError", "the row has no column", function() return row[users.c.born] end)
      assert.same({ "a" }, conn:execute(sa.select(users.c.id, users.c.name)):scalars(users.c.name):all())
    end)

    it("UPDATE and DELETE tell how many rows they matched", function()
      conn:execute(sa.insert(users), { { name = "a" }, { name = "b" }, { name = "c" } })
      assert.equal(3, conn:execute(sa.update(users):values { amount = 1 }).rowcount)
      assert.equal(1, conn:execute(sa.delete(users):where(users.c.name:eq("b"))).rowcount)
      assert.equal(2, #all())
    end)

    it("a default of an UPDATE sees its context each time", function()
      local seen = {}
      local touched = sa.Table("execute_spec", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(50)),
        sa.Column("state", sa.String(10), { onupdate = function(ctx)
          seen[#seen + 1] = ctx.connection
          return "changed"
        end }))
      conn:execute(sa.insert(touched):values { id = 1, name = "ed" })
      for i = 1, 3 do conn:execute(sa.update(touched):values { name = "ed " .. i }) end
      assert.same({ conn, conn, conn }, seen)
    end)

    it("the same statement runs with a value now and another one then, in a transaction that has begun", function()
      conn:execute(sa.insert(users), { { name = "ed" }, { name = "wendy" }, { name = "mary" } })
      local by_name = sa.select(users.c.id):where(users.c.name:eq(sa.bindparam("name")))
      for id, wanted in ipairs { "ed", "wendy", "mary" } do
        assert.equal(id, conn:execute(by_name, { name = wanted }):scalar_one())
      end
      assert.equal(0, #conn:execute(by_name, { name = "jack" }):all())
      raises("InvalidRequestError", "a value is required", conn.execute, conn, by_name, {})
      raises("InvalidRequestError", "a value is required", conn.execute, conn, by_name, { nome = "ed" })
      raises("ArgumentError", "exec_driver_sql", conn.execute, conn, by_name, { "ed" })
      raises("ArgumentError", "not a string", conn.execute, conn, by_name, "ed")
      local gone = conn:execute(sa.delete(users):where(users.c.name:eq(sa.bindparam("who"))), { who = "ed" })
      assert.equal(1, gone.rowcount)
      assert.same({ "wendy" }, conn:execute(sa.select(users):where(users.c.name:eq(sa.bindparam("who"))), { who = "wendy" })
        .context.bound:list())
    end)

    it("RETURNING gives rows", function()
      local row = conn:execute(sa.insert(users):values { name = "a" }:returning(users.c.id, users.c.state)):one()
      assert.same({ 1, "new" }, { row.id, row.state })
    end)

    it("text takes named parameters", function()
      conn:execute(sa.insert(users), { { name = "a" }, { name = "it's" } })
      assert.equal(2, conn:execute(sa.text("SELECT id FROM execute_spec WHERE name = :n"), { n = "it's" }):scalar())
      assert.equal(1, conn:scalar("SELECT id FROM execute_spec WHERE name = :n", { n = "a" }))
      raises("InvalidRequestError", "a value is required for bind parameter 'n'", conn.execute, conn,
        "SELECT id FROM execute_spec WHERE name = :n")
      raises("ArgumentError", "values by name", conn.execute, conn, "SELECT 1", { 5 })
    end)

    it("an IN list may come with the execution", function()
      conn:execute(sa.insert(users), { { name = "a" }, { name = "b" }, { name = "c" } })
      local statement = sa.select(users.c.id):where(users.c.name:in_(sa.bindparam("names", nil, { expanding = true })))
        :order_by(users.c.id)
      assert.same({ 1, 3 }, conn:execute(statement, { names = { "a", "c" } }):scalars():all())
      assert.same({ 2 }, conn:execute(statement, { names = { "b" } }):scalars():all())
      assert.same({}, conn:execute(statement, { names = {} }):scalars():all())
      local refused = {
        { "takes a list, got the string 'a'", "a" }, { "'names' takes plain values only", { {} } }, { "takes a list, got a table",
          setmetatable({}, { __len = function() return 1 << 61 end }) }, { "element 2 of in_%(%) must be a list of 2 values", { { 1, 2 }, { 3 } } },
      }
      for _, row in ipairs(refused) do raises("ArgumentError", row[1], conn.execute, conn, statement, { names = row[2] }) end
      assert.same({ 1, 3 }, conn:execute(statement:params { names = { "a", "c" } }):scalars():all())
      assert.same({}, conn:execute(statement:params { names = {} }):all())
      raises("ArgumentError", "'names' takes a list, got the number 5", function() statement:params { names = 5 } end)
      raises("ArgumentError", "'names' takes a list, got the number 5", function()
        return users.c.name:in_(sa.bindparam("names", 5))
      end)
    end)

    it("a list out of a JSON document may be empty", function()
      local document = conn:scalar(sa.select(sa.literal(sa.JSON.array {}, sa.JSON)))
      assert.same({}, conn:execute(sa.select(users.c.id):where(users.c.name:in_(document))):all())
    end)

    it("what is no statement cannot be executed", function()
      raises("ObjectNotExecutableError", "not an executable object", conn.execute, conn, users.c.id)
      raises("ObjectNotExecutableError", "not an executable object", conn.execute, conn, 5)
      raises("ObjectNotExecutableError", "not an executable object", conn.execute, conn, nil)
    end)

    it("a function is selected", function()
      assert.equal(3, conn:scalar(sa.func.length("abc")))
    end)

    it("before_execute sees the construct and may replace it and its parameters", function()
      local seen = {}
      sa.event.listen(engine, "before_execute", function(c, statement, multiparams, params)
        assert.equal(conn, c)
        seen[#seen + 1] = { sa.Insert:is(statement), #multiparams, params.name }
        if sa.Insert:is(statement) and params.name then return statement, multiparams, { name = params.name .. "!" } end
      end, { retval = true })
      sa.event.listen(engine, "after_execute", function(_, _, _, _, _, result)
        assert.is_true(sa.Result:is(result))
      end)
      conn:execute(sa.insert(users), { name = "a" })
      conn:execute(sa.insert(users), { { name = "b" }, { name = "c" } })
      assert.equal("a!", all()[1].name)
      assert.same({ { true, 0, "a" }, { true, 2 }, { false, 0 }, }, { seen[1], seen[2], seen[3] })
    end)

    it("before_execute and after_execute get the options in force", function()
      local seen = {}
      sa.event.listen(conn, "before_execute", function(_, _, _, _, options) seen[#seen + 1] = options.one end)
      sa.event.listen(conn, "after_execute", function(_, _, _, _, options) seen[#seen + 1] = options.two or 0 end)
      conn:execute(sa.select(users):execution_options { one = 1 }):close()
      conn:execute(sa.select(users):execution_options { one = 1 }, nil, { execution_options = { one = 2, two = 3 } }):close()
      conn:execution_options { one = "of the connection" }
      conn:execute(sa.select(users)):close()
      conn:execute(sa.func.length("abc")):close()
      conn:execute("SELECT 1"):close()
      assert.same({ 1, 0, 2, 3, "of the connection", 0, "of the connection", 0, "of the connection", 0 }, seen)
    end)

    it("a proxy sees constructs and texts", function()
      local dirty = {}
      local watcher = { execute = function(_, _, execute, clauseelement, ...)
        if sa.Insert:is(clauseelement) then dirty[#dirty + 1] = clauseelement.table.name end
        if type(clauseelement) == "string" then dirty[#dirty + 1] = clauseelement end
        return execute(clauseelement, ...)
      end }
      local db = sa.create_engine(url, { proxy = watcher, poolclass = sa.pool.StaticPool })
      local c = db:connect()
      c:exec_driver_sql("CREATE TEMPORARY TABLE execute_spec (id INTEGER PRIMARY KEY, name VARCHAR(50), born DATE, "
        .. "amount NUMERIC(10, 2), state VARCHAR(10), tag VARCHAR(50))")
      c:execute(sa.insert(users), { id = 1, name = "a" })
      c:execute("SELECT 1"):close()
      assert.same({ "execute_spec", "SELECT 1" }, dirty)
      c:close()
      db:dispose()
    end)

    it("statements over bound metadata execute themselves", function()
      local db = sa.create_engine(url, { poolclass = sa.pool.StaticPool })
      local metadata = sa.MetaData { bind = db }
      local t = sa.Table("bound_spec", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(20)), { prefixes = { "TEMPORARY" } })
      t:create()
      assert.equal(1, sa.insert(t):execute({ name = "mary" }).inserted_primary_key.id)
      assert.equal(2, sa.insert(t):execute({ name = "tom" }, { name = "fred" }).rowcount)
      local result = sa.select(t):order_by(t.c.id):execute()
      assert.equal("mary", result:fetchone()[t.c.name])
      assert.equal(2, #result:fetchall())
      assert.equal(3, sa.select(sa.func.count(t.c.id)):scalar())
      assert.is_false(db.pool:connect().driver_connection:in_transaction())
      raises("UnboundExecutionError", "metadata.bind", function() sa.select(users):execute() end)
      db:dispose()
    end)

    it("a value in a criterion is not taken for the column's of that name in the parameters", function()
      conn:execute(users:insert(), { { id = 1, name = "before" }, { id = 2, name = "other" } })
      local update = users:update():where(users.c.name:eq("before"))
      assert.equal(1, conn:execute(update, { name = "after" }).rowcount)
      local one = sa.select(users.c.id):where(users.c.name:eq("after"))
      assert.equal(1, conn:scalar(one, { name = "other" }))
      assert.equal(1, conn:scalar(one, { id = 2 }))
      -- By all of its generated name a value can be replaced.
      assert.equal(2, conn:scalar(one, { name_1 = "other" }))
      assert.equal(1, conn:scalar(one))
      assert.equal(1, conn:execute(update, { name_1 = "other", name = "third" }).rowcount)
      assert.equal(1, conn:execute(users:delete():where(users.c.name:eq("third")), { name = "after" }).rowcount)
      assert.equal("after", conn:scalar(sa.select(users.c.name)))
    end)

    it("the old style commits by itself and echoes as it did", function()
      local lines = {}
      local db = sa.create_engine(url, { poolclass = sa.pool.StaticPool, logger = function(l) lines[#lines + 1] = l end })
      db:execute("CREATE TEMPORARY TABLE old_style (x INTEGER)")
      db.echo = true
      db:execute("INSERT INTO old_style VALUES (1)")
      assert.same({ "INSERT INTO old_style VALUES (1)", "[]", "COMMIT" }, lines)
      lines = {}
      assert.same({ 1 }, db:execute("SELECT x FROM old_style"):scalars():all())
      assert.same({ "SELECT x FROM old_style", "[]" }, lines)
      db:dispose()
    end)
  end)
end
