-- The SQL half alone: tables, statements, transactions.
--
--     lua5.4 examples/01_core.lua [URL]

local sa = require("lualchemy")

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
local metadata = sa.MetaData()

local accounts = sa.Table("core_accounts", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("owner", sa.String(30), { nullable = false, unique = true }),
  sa.Column("balance", sa.Integer, { nullable = false, default = 0 }))

local transfers = sa.Table("core_transfers", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("from_id", sa.Integer, sa.ForeignKey("core_accounts.id"), { nullable = false }),
  sa.Column("to_id", sa.Integer, sa.ForeignKey("core_accounts.id"), { nullable = false }),
  sa.Column("amount", sa.Integer, { nullable = false }))

metadata:drop_all(engine)
metadata:create_all(engine)

-- A function given to begin() runs in a transaction: committed at its end, rolled back if it raises.
engine:begin(function(conn)
  conn:execute(accounts:insert(), { { owner = "ann", balance = 100 }, { owner = "bob", balance = 20 } })
  conn:execute(accounts:insert():values{ owner = "cat" }) -- the balance is the column's default
end)

local function transfer(from, to, amount)
  engine:begin(function(conn)
    local ids = {}
    for row in conn:execute(sa.select(accounts.c.owner, accounts.c.id):where(accounts.c.owner:in_({ from, to }))) do ids[row.owner] = row.id end
    conn:execute(accounts:update():where(accounts.c.id:eq(ids[from])):values{ balance = accounts.c.balance - amount })
    conn:execute(accounts:update():where(accounts.c.id:eq(ids[to])):values{ balance = accounts.c.balance + amount })
    local left = conn:scalar(sa.select(accounts.c.balance):where(accounts.c.id:eq(ids[from])))
    if left < 0 then error(from .. " has not that much", 0) end
    conn:execute(transfers:insert():values{ from_id = ids[from], to_id = ids[to], amount = amount })
  end)
end

transfer("ann", "bob", 30)
print("ann to cat: " .. tostring(select(2, pcall(transfer, "ann", "cat", 500))))

do
  local conn <close> = engine:connect()
  for row in conn:execute(sa.select(accounts.c.owner, accounts.c.balance):order_by(accounts.c.owner)) do
    print(row.owner, row.balance)
  end

  local giver, taker = accounts:alias("giver"), accounts:alias("taker")
  local statement = sa.select(giver.c.owner:label("giver"), taker.c.owner:label("taker"), sa.func.sum(transfers.c.amount):label("total"))
    :select_from(transfers:join(giver, transfers.c.from_id:eq(giver.c.id)):join(taker, transfers.c.to_id:eq(taker.c.id)))
    :group_by(giver.c.owner, taker.c.owner)
  for row in conn:execute(statement) do
    print(("%s gave %s %d"):format(row.giver, row.taker, row.total))
  end

  local ok, err = pcall(conn.execute, conn, accounts:insert():values{ owner = "ann" })
  print("a second ann: " .. (ok and "accepted" or err.class))
  conn:rollback()
end

metadata:drop_all(engine)
engine:dispose()
