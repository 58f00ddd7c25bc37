--- Mapped classes with their tables and a session, made anew for every test, on each database:
--
--     world.describe("row switch", function(Base, w)
--       w.User = Base:class("User", { ... })
--     end, function(w)
--       it("...", function() w.session:add(w.User{ name = "ed" }) end)
--     end)

local busted = require("busted")
local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local warnings = require("lualchemy.util.warn")
local targets = require("spec.support.targets")

local M = {}

--- Users with addresses, both ways; addresses go with `cascade` (a relationship's).
function M.people(Base, w, cascade)
  w.User = Base:class("User", {
    __tablename__ = "world_users",
    id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(50)),
    age = sa.Column(sa.Integer),
    addresses = orm.relationship("Address", { back_populates = "user", order_by = "Address.id", cascade = cascade }),
  })
  w.Address = Base:class("Address", {
    __tablename__ = "world_addresses",
    id = sa.Column(sa.Integer, { primary_key = true }),
    email = sa.Column(sa.String(50)),
    user_id = sa.Column(sa.Integer, sa.ForeignKey("world_users.id")),
    user = orm.relationship("User", { back_populates = "addresses" }),
  })
end

--- `fn(w)` declares the tests; inside them `w` has engine, Base, session, and what `define(Base, w)` put there. Functions in
--- `w.closing` are called before the tables are dropped.
function M.describe(name, define, fn)
  for database, url in targets.each() do
    busted.describe(name .. " on " .. database, function()
      local w = { database = database, url = url }
      busted.before_each(function()
        w.engine = sa.create_engine(url)
        w.Base = orm.declarative_base()
        define(w.Base, w)
        w.Base.metadata:drop_all(w.engine)
        w.Base.metadata:create_all(w.engine)
        w.session = orm.Session{ bind = w.engine }
        w.warnings, w.closing = {}, {}
        warnings.set_hook(function(message) table.insert(w.warnings, message) end)
      end)
      busted.after_each(function()
        warnings.set_hook(nil)
        for _, close in ipairs(w.closing) do close() end
        w.session:close()
        w.Base.metadata:drop_all(w.engine)
        w.engine:dispose()
        orm.clear_mappers()
      end)
      fn(w)
    end)
  end
end

--- The SQL texts that `fn` sends to a database, first words and all, save BEGIN and COMMIT.
function M.sent(w, fn)
  local list = {}
  local function note(_, _, sql)
    if not sql:find("^BEGIN") and not sql:find("^COMMIT") then list[#list + 1] = sql end
  end
  sa.event.listen(w.engine, "before_cursor_execute", note)
  local ok, err = pcall(fn)
  sa.event.remove(w.engine, "before_cursor_execute", note)
  if not ok then error(err, 0) end
  return list
end

return M
