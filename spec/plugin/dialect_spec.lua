--- A dialect and a driver in Lua that are not part of the tree (spec/plugin/outside): they are found by their names, say
-- only what is different, and everything else works as with the dialect they stand on.
local drivers = require("lualchemy.drivers")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")

describe("a dialect outside the tree", function()
  local path, engine = package.path, nil

  setup(function()
    package.path = "spec/plugin/outside/?.lua;spec/plugin/outside/?/init.lua;" .. path
    engine = sa.create_engine("ledger://")
  end)
  teardown(function()
    engine:dispose()
    package.path = path
  end)

  local metadata = sa.MetaData()
  local accounts = sa.Table("accounts", metadata,
    sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("account", sa.String(20), { nullable = false, unique = true }),
    sa.Column("balance", sa.Numeric(10, 2), { default = sa.decimal("0.00") }),
    sa.Column("open", sa.Boolean, { default = true }),
    sa.CheckConstraint("balance >= 0", { name = "solvent" }))
  local a = accounts.c

  it("is found by its name", function()
    assert.equal("ledger", engine.dialect.name)
    assert.same({ "ledger", "sqlite" }, { engine.dialect.lineage[1], engine.dialect.lineage[2] })
    assert.is_true(engine.dialect:descends_from("sqlite"))
    assert.is_false(engine.dialect:descends_from("postgresql"))
    assert.equal('SELECT accounts."account" FROM accounts WHERE accounts.balance > ?',
      (sa.select(a.account):where(a.balance:gt(5)):compile("ledger").string:gsub("%s+", " ")))
  end)

  it("says only what is different", function()
    assert.equal("SELECT datetime('now') AS now_1", (sa.select(sa.func.now()):compile(engine).string:gsub("%s+", " ")))
    assert.equal("SELECT CURRENT_TIMESTAMP AS now_1", (sa.select(sa.func.now()):compile("sqlite").string:gsub("%s+", " ")))
    assert.equal("a IS NOT ?", sa.column("a"):is_distinct_from(1):compile(engine).string)
    expect.raises("IdentifierError", { "maximum length of 30" }, function()
      local other = sa.Table("t", sa.MetaData(), sa.Column("i", sa.Integer))
      return sa.CreateIndex(sa.Index(("x"):rep(31), other.c.i)):compile(engine)
    end)
  end)

  it("has hooks of its own", function()
    local Interest = sa.FunctionElement:extend("interest", { type = sa.Numeric })
    sa.compiles(Interest, "ledger", function(element, compiler) return compiler:process(element.clauses) .. " * 1.05" end)
    sa.compiles(Interest, function() return "interest()" end)
    assert.equal("accounts.balance * 1.05", Interest(a.balance):compile(engine).string)
    assert.equal("interest()", Interest(a.balance):compile("sqlite").string)
  end)

  it("writes its DDL, with options of its own", function()
    local audited = sa.Table("audited", sa.MetaData(), sa.Column("i", sa.Numeric(5)), { ledger_auditor = "Ann" })
    assert.equal("/* audited by Ann */ CREATE TABLE audited ( i DECIMAL(5) )",
      (sa.CreateTable(audited):compile(engine).string:gsub("%s+", " "):gsub(" $", "")))
    assert.equal(" CREATE TABLE audited ( i NUMERIC(5) )",
      (sa.CreateTable(audited):compile("sqlite").string:gsub("%s+", " "):gsub(" $", "")))
    expect.raises_here("ArgumentError", { "ledger_audtior" }, function()
      sa.Table("t", sa.MetaData(), sa.Column("i", sa.Integer), { ledger_audtior = "Ann" })
    end)
  end)

  it("runs: DDL, writing, reading, transactions, errors, reflection", function()
    local conn <close> = engine:connect()
    metadata:create_all(conn)
    conn:execute(accounts:insert(), { { account = "ann", balance = sa.decimal("5.50"), open = true },
      { account = "bob", balance = sa.decimal("0.00"), open = false } })
    conn:commit()
    local rows = conn:execute(sa.select(a.account, a.balance, a.open):order_by(a.id)):all()
    assert.same({ "ann", "5.50", true, "bob", "0.00", false },
      { rows[1][1], tostring(rows[1][2]), rows[1][3], rows[2][1], tostring(rows[2][2]), rows[2][3] })
    expect.raises("IntegrityError", { "solvent" }, conn.execute, conn, accounts:update():values { balance = sa.decimal("-1") })
    conn:rollback()
    local inspector = sa.inspect(conn)
    assert.same({ "accounts" }, inspector:get_table_names())
    assert.equal("solvent", inspector:get_check_constraints("accounts")[1].name)
    local reflected = sa.Table("accounts", sa.MetaData(), { autoload_with = conn })
    assert.same(accounts.c:keys(), reflected.c:keys())
    assert.equal("DECIMAL(10, 2)", reflected.c.balance.type:compile(engine).string)
  end)

  it("carries the object-relational mapper", function()
    local Account = expect.plain_class("Account")
    orm.mapper(Account, accounts)
    finally(orm.clear_mappers)
    local conn <close> = engine:connect()
    metadata:drop_all(conn)
    metadata:create_all(conn)
    local session <close> = orm.Session { bind = conn }
    local cid = setmetatable({ account = "cid", balance = sa.decimal("1.25") }, Account)
    session:add(cid)
    session:flush()
    assert.equal(1, cid.id)
    cid.balance = sa.decimal("2.50")
    session:flush()
    session:expire_all()
    assert.equal("2.50", tostring(session:query(Account):filter(a.account:eq("cid")):one().balance))
  end)

  it("keeps values in its own way, for statements and for objects, and has its own variants of types", function()
    local Marked = sa.TypeDecorator:extend("Marked", { impl = sa.String, process_result_value = function(_, value) return "*" .. value end })
    local Base = orm.declarative_base()
    local Holder = Base:class("Holder", { __tablename__ = "holders", id = sa.Column(sa.Uuid, { primary_key = true }),
      name = sa.Column(sa.String():with_variant(Marked(), "ledger")), cards = orm.relationship("Card", { lazy = "selectin" }) })
    local Card = Base:class("Card", { __tablename__ = "cards", id = sa.Column(sa.Integer, { primary_key = true }),
      holder = sa.Column(sa.Uuid, sa.ForeignKey("holders.id")) })
    finally(orm.clear_mappers)
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local text = "12345678-1234-5678-1234-567812345678"
    session:add(Holder { id = sa.uuid(text), name = "ann", cards = { Card(), Card() } })
    session:commit()
    assert.equal(text, session:connection():exec_driver_sql("SELECT id FROM holders"):scalar())
    assert.equal("*ann", session:execute(sa.select(Holder.name)):scalar())
    session:expunge_all()
    local holder = session:query(Holder):one()
    assert.same({ text, "*ann", 2 }, { tostring(holder.id), holder.name, #holder.cards })
    assert.equal(holder, session:get(Holder, sa.uuid(text)))
    session:expire(holder)
    assert.equal("*ann", holder.name)
  end)
end)

describe("a dialect under a name of its own", function()
  it("is registered, as its driver is, by a module or a module's name", function()
    local sqlite = require("lualchemy.dialects.sqlite")
    local module = { dialect = function(options) return sa.Dialect({ name = "abacus", base = sqlite.description }, options) end }
    sa.dialects.register("abacus", module)
    drivers.register("abacus", "lualchemy.drivers.sqlite")
    local engine <close> = sa.create_engine("abacus://")
    assert.equal("abacus", engine.dialect.name)
    assert.equal(1, engine:connect():scalar("SELECT 1"))
    assert.equal("abacus", sa.dialects.named("abacus").name)
    expect.raises("InvalidRequestError", { "the dialect 'abacus' is in use" }, sa.dialects.register, "abacus", module)
    expect.raises("InvalidRequestError", { "the driver 'abacus' is in use" }, drivers.register, "abacus", module)
    expect.raises("ArgumentError", { "module must be a module or its name, not a number" }, drivers.register, "slate", 5)
    sa.dialects.register("slate", "nowhere.to.be.found")
    expect.raises("NoSuchModuleError", { "lualchemy.dialects.slate, registered as 'nowhere.to.be.found'" }, sa.create_engine, "slate://")
  end)
end)
