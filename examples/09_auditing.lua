-- Who did it: the session knows the user, its connections get to know it, and a column default and a log table use it.
-- Extensions of the session carry the information over, and write the log in before_flush.
--
--     lua5.4 examples/09_auditing.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

-- A default asks the connection that executes the INSERT.
local function current_user(context) return context.connection and context.connection.info.updated_by end

local Record = Base:class("Record", {
  __tablename__ = "audit_records",
  id = sa.Column(sa.Integer, { primary_key = true }),
  data = sa.Column(sa.String(40)),
  updated_by = sa.Column(sa.Integer),
})

local LogEntry = Base:class("LogEntry", {
  __tablename__ = "audit_log",
  id = sa.Column(sa.Integer, { primary_key = true }),
  what = sa.Column(sa.String(80)),
  user_id = sa.Column(sa.Integer),
})

-- 1. session.info goes to connection.info when a transaction begins on a connection, and is taken off it at its end.
local ConnectionInfo = {}

function ConnectionInfo:after_begin(session, _, connection)
  connection.info.updated_by = session.info.updated_by
  self.marked = self.marked or setmetatable({}, { __mode = "k" })
  self.marked[session] = self.marked[session] or {}
  table.insert(self.marked[session], connection.info)
end

function ConnectionInfo:after_transaction_end(session, transaction)
  if transaction.nested then return end
  for _, info in ipairs(self.marked and self.marked[session] or {}) do info.updated_by = nil end
  if self.marked then self.marked[session] = nil end
end

-- 2. Rows carry the user's name: set on the objects before their rows are written.
local Stamp = {}

function Stamp:before_insert(_, connection, record) record.updated_by = current_user{ connection = connection } end
Stamp.before_update = Stamp.before_insert

-- 3. What the flush is about to do goes into the log, in the same transaction.
local Log = {}

function Log:before_flush(session)
  local function note(what, object)
    if not Record:is(object) then return end
    session:add(LogEntry{ what = what .. " " .. object.data, user_id = session.info.updated_by })
  end
  for _, object in ipairs(session.new) do note("new", object) end
  for _, object in ipairs(session.deleted) do note("gone", object) end
  for _, object in ipairs(session.dirty) do
    local added, _, deleted = orm.attributes.get_history(object, "data")
    if #added > 0 then note(("changed from %s to"):format(deleted[1]), object) end
  end
end

sa.event.extend(Record.__mapper__, Stamp)

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local Session = orm.sessionmaker{ bind = engine, extension = { ConnectionInfo, Log } }

do
  local session <close> = Session{ info = { updated_by = 456 } }
  local record = Record{ data = "record 1" }
  session:add(record)
  print("before the commit", record.updated_by)
  session:commit()
  print("after the commit", record.updated_by)
  record.data = "record one"
  session:add(Record{ data = "record 2" })
  session:commit()
end

do
  local session <close> = Session{ info = { updated_by = 789 } }
  local record = session:query(Record):filter_by{ data = "record one" }:one()
  session:delete(record)
  session:commit()
  for _, entry in ipairs(session:query(LogEntry):order_by(LogEntry.id):all()) do print(entry.user_id, entry.what) end
  session:rollback()
end

do
  local connection <close> = engine:connect()
  print("left on the connection", connection.info.updated_by)
end

Base.metadata:drop_all(engine)
