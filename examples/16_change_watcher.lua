-- Tests that clean up what they changed, and no more: a proxy sees every statement, remembers the tables that are
-- written to, and empties just those afterwards.
--
--     lua5.4 examples/16_change_watcher.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

-- What text that changes no rows begins with. Of any other text nobody knows what it does.
local HARMLESS = { select = true, create = true, drop = true, pragma = true, set = true, show = true }

local ChangeWatcher = {}
ChangeWatcher.__index = ChangeWatcher

function ChangeWatcher.new() return setmetatable({ dirty = {}, reset_all = false, known = 0 }, ChangeWatcher) end

-- Until it is closed, the tables that are written to are known.
function ChangeWatcher:knowing()
  self.known = self.known + 1
  return setmetatable({}, { __close = function() self.known = self.known - 1 end })
end

-- Stands around the execution of every statement, those of a session's flush too.
function ChangeWatcher:execute(_, execute, statement, ...)
  if not (sa.Insert:is(statement) or sa.Update:is(statement) or sa.Delete:is(statement)) then return execute(statement, ...) end
  self.dirty[statement.table.name] = true
  local known <close> = self:knowing() -- luacheck: ignore known
  return execute(statement, ...)
end

-- Stands around every text that is sent: what the program wrote itself, or a SELECT whose WITH writes.
function ChangeWatcher:cursor_execute(execute, cursor, text, ...)
  if self.known == 0 then
    local verb = text:match("^%s*(%a+)")
    self.reset_all = self.reset_all or not (verb and HARMLESS[verb:lower()])
  end
  return execute(cursor, text, ...)
end

-- Children before their parents: the tables are in the order in which they were created.
function ChangeWatcher:cleanup(metadata, engine)
  engine:begin(function(conn)
    local tables = metadata.sorted_tables
    for i = #tables, 1, -1 do
      if self.reset_all or self.dirty[tables[i].name] then conn:execute(tables[i]:delete()) end
    end
  end)
  self.dirty, self.reset_all = {}, false
end

function ChangeWatcher:report()
  local names = {}
  for name in pairs(self.dirty) do names[#names + 1] = name end
  table.sort(names)
  print("dirty:", self.reset_all and "everything" or table.concat(names, ", "))
end

local watcher = ChangeWatcher.new()
local engine = sa.create_engine(arg and arg[1] or "sqlite://", { proxy = watcher })

local Base = orm.declarative_base()
local Artist = Base:class("Artist", {
  __tablename__ = "watched_artists",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(40)),
  records = orm.relationship("Record", { back_populates = "artist" }),
})
local Record = Base:class("Record", {
  __tablename__ = "watched_records",
  id = sa.Column(sa.Integer, { primary_key = true }),
  artist_id = sa.Column(sa.ForeignKey("watched_artists.id")),
  artist = orm.relationship("Artist", { back_populates = "records" }),
})
local labels = sa.Table("watched_labels", Base.metadata, sa.Column("name", sa.String(40)))

Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local function count(table_)
  return engine:begin(function(conn) return conn:scalar(sa.select(sa.func.count()):select_from(table_)) end)
end

local function test(title, fn)
  print(title)
  fn()
  watcher:report()
  print("rows before and after the cleanup:", count(Artist.__table__), count(Record.__table__), count(labels))
  watcher:cleanup(Base.metadata, engine)
  print("", count(Artist.__table__), count(Record.__table__), count(labels))
end

test("a test that only reads", function() count(labels) end)

test("a test of statements", function()
  engine:begin(function(conn) conn:execute(labels:insert(), { { name = "Impulse!" }, { name = "Verve" } }) end)
end)

test("a test of a session", function()
  local session <close> = orm.Session{ bind = engine }
  local artist = Artist{ name = "Alice" }
  artist.records:append(Record{})
  session:add(artist)
  session:commit()
end)

test("a test that sends text", function()
  engine:begin(function(conn)
    conn:execute(sa.text("INSERT INTO watched_labels (name) VALUES (:name)"), { name = "ECM" })
  end)
end)

test("a test that sends it past the library", function()
  engine:begin(function(conn) conn:exec_driver_sql("INSERT INTO watched_labels (name) VALUES ('Blue Note')") end)
end)

Base.metadata:drop_all(engine)
