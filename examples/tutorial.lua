-- A walk through lualchemy, after SQLAlchemy's first tutorial: tables, inserts, selects, joins, then
-- mapped classes, a session and relationships. What goes to the database is printed as it goes.
--
--     lua5.4 examples/tutorial.lua                                   a SQLite file of its own, removed at the end
--     lua5.4 examples/tutorial.lua postgresql://user:pw@host/db      any other database

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local function heading(text)
  print("\n== " .. text .. "\n")
end

heading("Connecting")

local file
local url = arg and arg[1] or os.getenv("LUALCHEMY_URL")
if not url then
  file = os.tmpname()
  url = "sqlite:///" .. file
end
local db = sa.create_engine(url) -- nothing is opened before the first statement
print("an engine for " .. db.dialect.name)

heading("Creating tables")

local metadata = sa.MetaData()
metadata.bind = db -- statements of these tables can execute themselves

local users_table = sa.Table("tutorial_users", metadata,
  sa.Column("user_id", sa.Integer, { primary_key = true }),
  sa.Column("user_name", sa.String(40)),
  sa.Column("password", sa.String(20)))

local email_addresses_table = sa.Table("tutorial_email_addresses", metadata,
  sa.Column("address_id", sa.Integer, { primary_key = true }),
  sa.Column("email_address", sa.String(100), { nullable = false }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("tutorial_users.user_id")))

metadata:drop_all(db) -- what an earlier run may have left
db.echo = true
users_table:create()

heading("Reflecting a table: its definition comes from the database")

db.echo = false -- these are many questions
local reflected = sa.Table("tutorial_users", sa.MetaData(), { autoload_with = db })
db.echo = true
print("the first column is " .. reflected.c[1].name .. ", the table has " .. #reflected.c)

heading("Inserting rows")

local insert = users_table:insert()
print(insert)
insert:execute({ user_name = "Mary", password = "secure" })
insert:execute({ { user_name = "Tom" }, { user_name = "Fred" }, { user_name = "Harry" } })

heading("Selecting")

local select = users_table:select():order_by(users_table.c.user_id)
local result = select:execute()
print(result:fetchone())
for _, row in ipairs(result:fetchall()) do print(row) end

local row = users_table:select():where(users_table.c.user_name:eq("Harry")):execute():first()
print(row)

heading("Rows")

print(table.concat(row:keys(), ", "))
print(row.user_id, row[2], row[users_table.c.password])
for id_and_name in sa.select(users_table.c.user_id, users_table.c.user_name):order_by(users_table.c.user_id):execute() do
  print(id_and_name)
end

heading("Table relationships")

email_addresses_table:create()
email_addresses_table:insert():execute({
  { email_address = "tom@tom.example", user_id = 2 },
  { email_address = "mary@mary.example", user_id = 1 },
})
local joined = users_table:join(email_addresses_table):select():order_by(email_addresses_table.c.address_id)
for both in joined:execute() do print(both) end
print(users_table:join(email_addresses_table, sa.and_(
  users_table.c.user_id:eq(email_addresses_table.c.user_id),
  users_table.c.password:eq(email_addresses_table.c.email_address))))

heading("Mapping a class")

local User = {}
User.__index = User
User.__name = "User"
User.__tostring = function(user) return ("User(%s, %s)"):format(user.user_name, user.password) end
function User.new() return setmetatable({}, User) end

orm.mapper(User, users_table)
local nobody = User.new()
print(nobody.user_name, nobody.password)

heading("A session and its queries")

local session = orm.sessionmaker{ bind = db, autoflush = false }() -- nothing is saved before we say so
print(session:query(User):filter_by{ user_name = "Harry" }:one())

db.echo = false
print(session:query(User):filter(User.c.user_id:eq(3)):first())
print(session:get(User, 2))
print(session:query(User):filter_by{ user_name = "Mary" }:first())
print(session:query(User):filter(User.password:eq(nil)):order_by(User.user_id):first())
print(session:query(User):count())

heading("Making changes")

local ed = User.new()
ed.user_name, ed.password = "Ed", "edspassword"
session:add(ed)
print("the session holds Ed: " .. tostring(session:contains(ed)))

local query = session:query(User)
local mary = query:filter_by{ user_name = "Mary" }:first()
local harry = query:filter_by{ user_name = "Harry" }:first()
mary.password = "marysnewpassword"
harry.password = "harrysnewpassword"
print("one row, one object: " .. tostring(rawequal(mary, query:filter_by{ user_name = "Mary" }:first())))

heading("Saving")

session:delete(query:filter_by{ user_name = "Fred" }:first())
db.echo = true
session:flush()
session:commit()

heading("Relationships")

db.echo = false
session:close()
orm.clear_mappers() -- the class is plain again, and mapped anew

local Address = {}
Address.__index = Address
Address.__name = "Address"
Address.__tostring = function(address) return ("Address(%s)"):format(address.email_address) end
function Address.new(email_address) return setmetatable({ email_address = email_address }, Address) end

orm.mapper(User, users_table, { properties = {
  addresses = orm.relationship(Address, { backref = "user", order_by = email_addresses_table.c.address_id }),
} })
orm.mapper(Address, email_addresses_table) -- in any order

session = orm.sessionmaker{ bind = db }()
db.echo = true
mary = session:query(User):filter_by{ user_name = "Mary" }:first()
for _, address in ipairs(mary.addresses) do print(address) end -- loaded when it is first looked at

mary.addresses:append(Address.new("mary2@gmail.example"))
print("the other side knows: " .. tostring(mary.addresses[2].user))
session:flush()
session:commit()

heading("A larger transaction")

local ok, err = pcall(function()
  local found = session:query(User):filter(User.user_name:in_({ "Ed", "Harry", "Mary" })):order_by(User.user_name):all()
  print(#found .. " of them found")
  harry, mary = found[2], found[3]
  mary.addresses:remove(mary.addresses[1])
  harry.addresses:append(Address.new("harry@harry.example"))
  session:flush()
  print("*** flushed the session ***")
  local fred = User.new()
  fred.user_name = "fred_again"
  fred.addresses:append(Address.new("fred@fred.example"))
  fred.addresses:append(Address.new("fred@gmail.example"))
  session:add(fred)
  session:commit()
end)
if not ok then
  session:rollback()
  error(err, 0)
end

heading("What the database holds now")

db.echo = false
for user in session:query(User):order_by(User.user_id):iter() do
  local emails = {}
  for i, address in ipairs(user.addresses) do emails[i] = address.email_address end
  print(("%-12s %-12s %s"):format(user.user_name, user.password or "-", table.concat(emails, ", ")))
end

session:close()
metadata:drop_all(db)
db:dispose()
if file then os.remove(file) end
