-- What a row was before: each change of an object writes a row of a history table, which is made from the class's own table.
-- Statements over many rows pass the session's hooks by; for them, and for other programs, a trigger does the same.
--
--     lua5.4 examples/20_history_tables.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

-- The table's columns without what belongs to the live row alone; a row and its version are the key.
local function history_table(table_)
  local items = {}
  for i, column in ipairs(table_.c) do
    items[i] = sa.Column(column.name, column.type, { primary_key = column.primary_key or column.name == "version", autoincrement = false })
  end
  items[#items + 1] = sa.Column("changed_by", sa.String(20))
  return sa.Table(table_.name .. "_history", table_.metadata, table.unpack(items))
end

-- A mixin: a version that counts the changes, and is checked with each UPDATE and DELETE.
local Versioned = {
  version = sa.Column(sa.Integer, { nullable = false }),
  __mapper_args__ = { version_id_col = "version" },
}

-- Makes Class.History, whose attributes are those of the class.
local function keep_history(Base, Class)
  Class.History = Base:class(Class.__name .. "History", { __table__ = history_table(Class.__table__) })
  return Class
end

-- A column of which the old value is loaded when a new one is set, even if the attribute was not loaded before.
local function remembered(...) return orm.column_property(sa.Column(...), { active_history = true }) end

-- The row as it is in the database: what was set since is not in it.
local function old_values(object)
  local values = {}
  for _, prop in ipairs(sa.inspect(object).mapper.column_attrs) do
    local current = object[prop.key] -- what is expired is loaded
    local added, _, deleted = orm.attributes.get_history(object, prop.key)
    if #added > 0 or #deleted > 0 then current = deleted[1] end
    if current ~= sa.null then values[prop.key] = current end
  end
  return values
end

local Historian = {}

function Historian:before_flush(session)
  local function keep(object)
    local History = getmetatable(object).History
    if not History then return end
    local values = old_values(object)
    values.changed_by = session.info.user
    session:add(History(values))
  end
  for _, object in ipairs(session.deleted) do keep(object) end
  for _, object in ipairs(session.dirty) do
    if session:is_modified(object) and not session.deleted:contains(object) then keep(object) end
  end
end

local Base = orm.declarative_base()
local Account = keep_history(Base, Base:class("Account", Versioned, {
  __tablename__ = "example20_accounts",
  id = sa.Column(sa.Integer, { primary_key = true }),
  owner = remembered(sa.String(20), { unique = true }),
  balance = remembered(sa.Integer),
}))

-- For statements over many rows: the same by the database, which the version tells apart from what the session wrote.
local columns = "id, owner, balance, version, changed_by"
local old = "OLD.id, OLD.owner, OLD.balance, OLD.version, 'statement'"
sa.event.listen(Account.__table__, "after_create", sa.DDL(([[
  CREATE TRIGGER example20_keep AFTER UPDATE ON example20_accounts WHEN OLD.version = NEW.version
  BEGIN INSERT INTO example20_accounts_history (%s) VALUES (%s);
  UPDATE example20_accounts SET version = version + 1 WHERE id = OLD.id; END]]):format(columns, old)):execute_if{ dialect = "sqlite" })
sa.event.listen(Account.__table__, "after_create", sa.DDL(([[
  CREATE OR REPLACE FUNCTION example20_keep() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO example20_accounts_history (%s) VALUES (%s); NEW.version := OLD.version + 1; RETURN NEW; END $$]])
  :format(columns, old)):execute_if{ dialect = "postgresql" })
sa.event.listen(Account.__table__, "after_create", sa.DDL([[
  CREATE TRIGGER example20_keep BEFORE UPDATE ON example20_accounts FOR EACH ROW WHEN (OLD.version = NEW.version)
  EXECUTE FUNCTION example20_keep()]]):execute_if{ dialect = "postgresql" })
sa.event.listen(Account.__table__, "after_drop", sa.DDL("DROP FUNCTION IF EXISTS example20_keep"):execute_if{ dialect = "postgresql" })

local engine = sa.create_engine(arg[1] or "sqlite://", { poolclass = sa.pool.StaticPool })
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local session = orm.Session{ bind = engine, extension = Historian, info = { user = "teller" } }
local ann, bob = Account{ owner = "ann", balance = 100 }, Account{ owner = "bob", balance = 50 }
session:add_all{ ann, bob }
session:commit()

ann.balance = 90
session:commit()
ann.balance = 90 -- no change
session:commit()
session:execute(sa.update(Account):values{ balance = Account.balance * 2 })
session:commit()
session:delete(bob)
session:commit()

local History = Account.History
for past in session:query(History):order_by(History.owner, History.version):iter() do
  print(("%s version %d: %d, until %s"):format(past.owner, past.version, past.balance, past.changed_by))
end
print("now", ann.owner, ann.version, ann.balance)

-- As it was: the row of a version, live or past.
local function balance_at(owner, version)
  local live = sa.select(Account.balance):where(Account.owner:eq(owner), Account.version:eq(version))
  local past = sa.select(History.balance):where(History.owner:eq(owner), History.version:eq(version))
  return session:scalar(live:union_all(past))
end
print("ann's balances", balance_at("ann", 1), balance_at("ann", 2), balance_at("ann", 3))

session:close()
Base.metadata:drop_all(engine)
engine:dispose()
