--- Programs of SQLAlchemy's early documents, passage by passage, in Lua's spelling: the core half of the 0.3 tutorial, a
-- page of notes that walks through Core and ORM, and a talk about extension points. The verbs of sessions and queries are
-- in old_verbs_spec.lua, the talk's case studies are programs under examples/.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

local function flat(text) return (tostring(text):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end
local function key() return sa.Column(sa.Integer, { primary_key = true }) end

local function rows(result)
  local list = {}
  for i, row in ipairs(result:fetchall()) do list[i] = tostring(row) end
  return table.concat(list, " ")
end

for database, url in targets.each() do
  describe("bound tables, as in the 0.3 tutorial, on " .. database, function()
    local db, metadata, users, emails

    before_each(function()
      db = sa.create_engine(url, { poolclass = sa.pool.StaticPool })
      metadata = sa.BoundMetaData(db)
      users = sa.Table("ep_users", metadata, sa.Column("user_id", sa.Integer, { primary_key = true }), sa.Column("user_name", sa.String(40)),
        sa.Column("password", sa.String(10)))
      emails = sa.Table("ep_emails", metadata, sa.Column("address_id", sa.Integer, { primary_key = true }),
        sa.Column("email_address", sa.String(100), { nullable = false }), sa.Column("user_id", sa.Integer, sa.ForeignKey("ep_users.user_id")))
      metadata:drop_all()
      users:create()
      emails:create()
      local insert = users:insert()
      insert:execute{ user_name = "Mary", password = "secure" }
      insert:execute({ user_name = "Tom" }, { user_name = "Fred" }, { user_name = "Harry" })
      emails:insert():execute({ email_address = "tom@x", user_id = 2 }, { email_address = "mary@x", user_id = 1 })
    end)
    after_each(function()
      metadata:drop_all()
      db:dispose()
    end)

    it("are created, reflected and echoed through what they are bound to", function()
      assert.equal(db, metadata.engine)
      metadata.engine.echo = false
      assert.equal("user_id", sa.Table("ep_users", metadata, { autoload = true }).columns[1].name)
      local other = sa.MetaData()
      assert.equal("user_id", sa.Table("ep_users", other, { autoload = true, autoload_with = db }).c[1].name)
      assert.is_true(sa.Engine:is(sa.BoundMetaData(url).bind))
    end)

    it("insert what they are given, and no other column", function()
      assert.equal("INSERT INTO ep_users (user_id, user_name, password) VALUES (:user_id, :user_name, :password)", tostring(users:insert()))
      local sent
      sa.event.listen(db, "before_cursor_execute", function(_, _, statement) sent = statement end)
      users:insert():execute{ user_name = "Ed" }
      assert.matches("^INSERT INTO ep_users %(user_name%) VALUES", sent)
    end)

    it("are selected from, with criteria, and joined", function()
      local result = users:select():order_by(users.c.user_id):execute()
      assert.equal("(1, 'Mary', 'secure')", tostring(result:fetchone()))
      assert.equal("(2, 'Tom', NULL) (3, 'Fred', NULL) (4, 'Harry', NULL)", rows(result))
      local row = users:select(users.c.user_name:eq("Harry")):execute():fetchone()
      assert.same({ "user_id", "user_name", "password" }, row:keys())
      assert.same({ 4, "Harry" }, { row["user_id"], row[2], row[users.c.password] })
      local names = {}
      for id_and_name in sa.select(users.c.user_id, users.c.user_name):order_by(users.c.user_id):execute() do names[#names + 1] = tostring(id_and_name) end
      assert.equal("(1, 'Mary') (2, 'Tom') (3, 'Fred') (4, 'Harry')", table.concat(names, " "))
      assert.equal("(1, 'Mary', 'secure', 2, 'mary@x', 1) (2, 'Tom', NULL, 1, 'tom@x', 2)",
        rows(users:join(emails):select():order_by(users.c.user_id):execute()))
      assert.equal("ep_users JOIN ep_emails ON ep_users.user_id = ep_emails.user_id AND ep_users.password = ep_emails.email_address",
        tostring(sa.join(users, emails, sa.and_(users.c.user_id:eq(emails.c.user_id), users.c.password:eq(emails.c.email_address)))))
    end)
  end)

  describe("the notes, on " .. database, function()
    local engine, metadata, users, addresses, conn

    before_each(function()
      engine = sa.create_engine(url, { poolclass = sa.pool.StaticPool })
      metadata = sa.MetaData()
      users = sa.Table("ep_users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
        sa.Column("fullname", sa.String(50)))
      addresses = sa.Table("ep_addresses", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("user_id", nil, sa.ForeignKey("ep_users.id")), sa.Column("email_address", sa.String(50), { nullable = false }))
      metadata:drop_all(engine)
      metadata:create_all(engine)
      metadata:create_all(engine)     -- looks for each table first
      conn = engine:connect()
      conn:execute(users:insert():values{ name = "jack", fullname = "Jack Jones" })
      conn:execute(users:insert(), { name = "wendy", fullname = "Wendy Williams" })
    end)
    after_each(function()
      conn:close()
      metadata:drop_all(engine)
      engine:dispose()
    end)

    it("insert, and say what they would", function()
      local insert = users:insert():values{ name = "jack", fullname = "Jack Jones" }
      assert.equal("INSERT INTO ep_users (id, name, fullname) VALUES (:id, :name, :fullname)", tostring(users:insert()))
      assert.equal("INSERT INTO ep_users (name, fullname) VALUES (:name, :fullname)", tostring(insert))
      assert.same({ name = "jack", fullname = "Jack Jones" }, insert:compile().params)
    end)

    it("read rows by position, name and column, one by one and all", function()
      local select = sa.select(users.c.name, users.c.fullname):order_by(users.c.id)
      for _, get in ipairs { function(row) return row.name .. row.fullname end, function(row) return row[1] .. row["fullname"] end,
        function(row) return row[users.c.name] .. row[users.c.fullname] end } do
        local result = conn:execute(select)
        assert.equal("jackJack Jones", get(result:fetchone()))
        assert.equal("wendyWendy Williams", get(result:fetchall()[1]))
      end
      local result = conn:execute(sa.select(users))
      assert.same({ "id", "name", "fullname" }, result:keys())
      for row in result do assert.equal(3, #row) end
      conn:execute(select):close()
    end)

    it("select with criteria, conjunctions and concatenation", function()
      assert.equal("SELECT ep_users.name, ep_addresses.user_id FROM ep_users, ep_addresses WHERE ep_users.id = ep_addresses.user_id",
        flat(sa.select(users.c.name, addresses.c.user_id):where(users.c.id:eq(addresses.c.user_id))))
      conn:execute(addresses:insert(), { { user_id = 1, email_address = "jack@msn.com" }, { user_id = 2, email_address = "w@gmail.com" } })
      local title = ((users.c.fullname .. ", ") .. addresses.c.email_address):label("title")
      local either = sa.or_(addresses.c.email_address:like("%@aol.com"), addresses.c.email_address:like("%@msn.com"))
      assert.equal("Jack Jones, jack@msn.com", conn:scalar(sa.select(title):where(users.c.id:eq(addresses.c.user_id)):where(either)))
      assert.equal("w@gmail.com", conn:execute(sa.select(addresses):where(addresses.c.email_address:like("%@gmail.com"))):one().email_address)
    end)

    it("execute text with bound parameters, on the connection and on the engine", function()
      local text = sa.text("select id, name from ep_users where id = :emp_id")
      assert.equal("(1, 'jack')", tostring(conn:execute(text, { emp_id = 1 }):fetchone()))
      conn:execute(sa.text("insert into ep_users (name, fullname) values (:name, :fullname)"), { name = "will", fullname = "William Liu" })
      conn:commit()
      assert.equal("(3, 'will')", rows(engine:execute(text, { emp_id = 3 })))
      assert.equal(3, #conn:execute("select id from ep_users"):fetchall())
    end)

    it("look at tables", function()
      assert.same({ "ep_users", "fullname", "String(length=50)", "ep_users.name", "ep_users.name" },
        { users.name, users.columns.fullname.name, tostring(users.columns.fullname.type), tostring(users.c.name), tostring(users.columns.name) })
      assert.same({ "id", "name", "fullname" }, users.columns:keys())
      assert.equal("PrimaryKeyConstraint(id)", tostring(users.primary_key))
      assert.is_true(sa.Integer:is(addresses.c.user_id.type))     -- that of what it refers to
    end)

    it("create, reflect and inspect", function()
      local fancy = sa.Table("ep_fancy", metadata, sa.Column("mykey", sa.String(50), { primary_key = true }), sa.Column("mytimestamp", sa.DateTime),
        sa.Column("amount", sa.Numeric(10, 2)), sa.Column("type", sa.Enum("a", "b", "c", { native_enum = false, create_constraint = true })))
      fancy:drop(conn, { checkfirst = true })
      fancy:create(conn)
      assert.matches("type VARCHAR%(1%), PRIMARY KEY %(mykey%), CHECK %(type IN %('a', 'b', 'c'%)%)", flat(sa.CreateTable(fancy)))
      conn:execute(fancy:insert(), { mykey = "k", amount = sa.decimal("1.10"), type = "a" })
      assert.equal("1.10", tostring(conn:execute(fancy:select()):one().amount))
      conn:commit()
      assert.equal("VARCHAR(50)", sa.Table("ep_fancy", sa.MetaData(), { autoload_with = engine }).c.mykey.type:compile(engine).string)
      local inspector = sa.inspect(engine)
      assert.is_true(inspector:has_table("ep_fancy"))
      local column = inspector:get_columns("ep_addresses")[3]
      assert.same({ "email_address", false, "VARCHAR(50)" }, { column.name, column.nullable, column.type:compile(engine).string })
    end)

    it("map a class, make, find and name its objects", function()
      local Base = orm.declarative_base{ metadata = metadata }
      local User = Base:class("User", { __table__ = users, addresses = orm.relationship("Address"),
        __tostring = function(self) return ("<User(name='%s', fullname='%s')>"):format(self.name, self.fullname) end })
      local Address = Base:class("Address", { __table__ = addresses })
      assert.same({ users, "Mapper[User(ep_users)]" }, { User.__table__, tostring(User.__mapper__) })
      local will = User{ name = "will", fullname = "Will Liu" }
      assert.same({ "will", "nil" }, { will.name, tostring(will.id) })
      local session = orm.sessionmaker{ bind = conn }()
      session:add(will)
      assert.is_true(rawequal(will, session:query(User):filter_by{ name = "will" }:first()))
      session:add_all{ User{ name = "mary", addresses = { Address{ email_address = "m@x" } } }, User{ name = "fred" } }
      session:delete(will)
      session:commit()
      local function names(query)
        local list = {}
        for item in query:iter() do list[#list + 1] = item.name end
        return table.concat(list, " ")
      end
      assert.equal("jack wendy mary fred", names(session:query(User):order_by(User.id)))
      assert.equal("jack wendy mary fred", names(session:query(orm.class_mapper(User)):order_by(User.id)))
      assert.equal("jack mary", names(session:query(User):filter(sa.or_(User.name:eq("jack"), User.name:eq("mary"))):order_by(User.id)))
      local pair = session:query(User, Address):join("addresses"):filter(User.name:eq("mary")):one()
      assert.same({ "mary", "m@x" }, { pair.User.name, pair.Address.email_address })
      local alias = orm.aliased(User, { name = "user_alias" })
      local row = session:query(alias, alias.name, alias.fullname:label("label")):filter(alias.id:eq(1)):one()
      assert.same({ "<User(name='jack', fullname='Jack Jones')>", "jack", "Jack Jones" }, { tostring(row.user_alias), row.name, row.label })
      local scoped = orm.scoped_session(orm.sessionmaker{ bind = conn })
      assert.equal(4, #scoped:query(User):all())
      scoped:remove()
      session:close()
      orm.clear_mappers()
    end)
  end)

  describe("the talk, on " .. database, function()
    local opened

    local function open(options)
      local engine = sa.create_engine(url, options)
      opened[#opened + 1] = engine
      return engine
    end
    before_each(function() opened = {} end)
    after_each(function()
      for _, engine in ipairs(opened) do engine:dispose() end
    end)

    it("reaches an engine in each of its ways", function()
      local engine = sa.engine_from_config({ ["sqlalchemy.url"] = url, ["sqlalchemy.echo"] = "false" }, "sqlalchemy.")
      opened[1] = engine
      local Session = orm.sessionmaker()
      Session:configure{ bind = engine }
      local metadata = sa.MetaData()
      metadata.bind = engine
      local sessions = { Session(), orm.create_session(engine), orm.create_session{ bind = engine }, orm.Session(engine), orm.sessionmaker(engine)() }
      for _, session in ipairs(sessions) do
        assert.equal(1, session:scalar(sa.select(1)))
        session:close()
      end
      assert.same({ engine, 1 }, { metadata.bind, engine:connect():execute("SELECT 1"):scalar() })
      local plain = orm.create_session(engine)
      assert.same({ false, false }, { plain.autoflush, plain.expire_on_commit })
    end)

    it("swaps the pool", function()
      local dialect = open().dialect
      assert.is_true(sa.pool.QueuePool:is(open{ poolclass = sa.pool.QueuePool }.pool))
      local _, arguments = dialect:create_connect_args(url)
      local pool = sa.pool.QueuePool(function() return dialect:connect(arguments) end, { size = 1 })
      local engine = open{ pool = pool }
      assert.same({ pool, 1 }, { engine.pool, engine:connect():scalar(sa.select(1)) })
    end)

    it("tells listeners of a pool, objects as well as tables of functions", function()
      local heard = {}
      local listener = {}
      for _, name in ipairs { "first_connect", "connect", "checkout", "checkin" } do listener[name] = function() heard[#heard + 1] = name end end
      local engine = open{ listeners = { listener } }
      engine.pool:add_listener{ checkin = function(_, connection) connection:execute("SELECT 1") end }
      engine:connect():close()
      engine:connect():close()
      assert.equal("first_connect connect checkout checkin checkout checkin", table.concat(heard, " "))
    end)

    it("intercepts transactions, statements and cursors", function()
      local heard, proxy = {}, {}
      for _, name in ipairs { "begin", "commit", "rollback" } do
        proxy[name] = function(_, conn, go)
          heard[#heard + 1] = name
          return go(conn)
        end
      end
      function proxy:execute(_, execute, element, ...)
        heard[#heard + 1] = sa.Select:is(element) and "select" or "other"
        return execute(element, ...)
      end
      function proxy:cursor_execute(execute, cursor, statement, parameters, context, executemany)
        heard[#heard + 1] = statement
        return execute(cursor, statement, parameters, context, executemany)
      end
      local engine = open{ proxy = proxy }
      engine:begin(function(conn) conn:scalar(sa.select(sa.literal_column("1"))) end)
      pcall(engine.begin, engine, function() error("stop") end)
      assert.equal("begin select SELECT 1 commit begin rollback", flat(table.concat(heard, " ")))
    end)

    it("hangs information on connections, tables and columns, and keeps metadata apart", function()
      local engine = open{ poolclass = sa.pool.StaticPool }
      engine:connect().info.connected_at = 5
      assert.equal(5, engine:connect().info.connected_at)
      local metadata = sa.MetaData()
      local t = sa.Table("ep_info", metadata, sa.Column("x", sa.String, { info = { label = "X" } }), { info = { form = "f" } })
      assert.same({ "f", "X" }, { t.info.form, t.c.x.info.label })
      local other = sa.Table("ep_other", sa.MetaData(), sa.Column("x", sa.String, sa.ForeignKey("ep_info.x")))
      expect.raises("NoReferencedTableError", { "ep_info" }, other.create, other, engine)
    end)

    it("is told of DDL, and adds to it by template", function()
      local engine, heard = open{ poolclass = sa.pool.StaticPool }, {}
      local t = sa.Table("ep_ddl", sa.MetaData(), sa.Column("x", sa.Integer))
      for _, name in ipairs { "before-create", "after-create", "before-drop", "after-drop" } do
        t:append_ddl_listener(name, function(event, target) heard[#heard + 1] = event .. " " .. target.name end)
      end
      sa.event.listen(t, "after_create", sa.DDL("CREATE INDEX ix_%(table)s ON %(table)s (x)"))
      t:create(engine)
      assert.equal("ix_ep_ddl", sa.inspect(engine):get_indexes("ep_ddl")[1].name)
      t:drop(engine)
      assert.equal("before-create ep_ddl, after-create ep_ddl, before-drop ep_ddl, after-drop ep_ddl", table.concat(heard, ", "))
    end)

    it("says functions and best-fit types", function()
      local users = sa.table("users", sa.column("id"), sa.column("email", sa.String))
      assert.equal("SELECT now() AS now_1", tostring(sa.select(sa.func.now())))
      assert.equal("group_concat(users.email, :group_concat_1)", tostring(sa.func.group_concat(users.c.email, ";")))
      assert.equal("SELECT users.id FROM users WHERE (users.email LIKE :email_1 || '%')", flat(sa.select(users.c.id):where(users.c.email:startswith("jek@"))))
      assert.same({ "INTEGER", "INTEGER" }, { sa.Integer():compile(open()).string, sa.INTEGER():compile(open()).string })
    end)

    it("extends sessions by wrapping and by subclassing, and queries by a class", function()
      local engine, heard = open{ poolclass = sa.pool.StaticPool }, {}
      local hook = { before_commit = function(_, session) heard[#heard + 1] = session.info.name end }
      local function wrapped(options)
        options.extension = options.extension or {}
        table.insert(options.extension, hook)
        local session = orm.Session(options)
        session.info = { name = "wrapped" }
        return session
      end
      local Own = orm.Session:extend("Own", { init = function(self, options)
        options.extension = { hook }
        orm.Session.init(self, options)
        self.info = { name = "own" }
      end })
      for _, session in ipairs { wrapped{ bind = engine }, orm.sessionmaker{ class_ = Own, bind = engine }() } do
        session:scalar(sa.select(1))
        session:commit()
        session:close()
      end
      assert.same({ "wrapped", "own" }, heard)
      local users = sa.Table("ep_talk", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("email", sa.String(40)))
      users:drop(engine, { checkfirst = true })
      users:create(engine)
      local User = expect.plain_class("User")
      orm.mapper(User, users)
      local Session = orm.scoped_session(orm.sessionmaker{ bind = engine })
      User.query = Session:query_property(orm.Query:extend("MyQuery", { with_email = function(self, email) return self:filter_by{ email = email } end }))
      Session:add(setmetatable({ email = "jek@x" }, User))
      assert.equal("jek@x", User.query:with_email("jek@x"):one().email)
      Session:remove()
      orm.clear_mappers()
      users:drop(engine)
    end)

    it("shows what changed", function()
      local engine = open{ poolclass = sa.pool.StaticPool }
      local Base = orm.declarative_base()
      local User = Base:class("User", { __tablename__ = "ep_talk", id = key(), email = sa.Column(sa.String(40)),
        comments = orm.relation("Comment", { backref = "posted_by" }) })
      local Comment = Base:class("Comment", { __tablename__ = "ep_comments", id = key(), user_id = sa.Column(sa.ForeignKey("ep_talk.id")) })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      local session = orm.Session{ bind = engine }
      local user = User{ email = "jek@x", comments = { Comment() } }
      session:add(user)
      session:commit()
      assert.is_true(rawequal(user, user.comments[1].posted_by) and user.email == "jek@x")
      assert.same({ {}, { "jek@x" }, {} }, { orm.attributes.get_history(user, "email") })
      user.email = "jek+spam@x"
      assert.same({ { "jek+spam@x" }, {}, { "jek@x" } }, { orm.attributes.get_history(user, "email") })
      session:close()
      Base.metadata:drop_all(engine)
      orm.clear_mappers()
    end)
  end)
end
