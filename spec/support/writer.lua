--- Writes to a SQLite file until it is killed: transactions of one parent and three children, every one acknowledged by
-- its number on standard output once it is committed. A program, run by spec/reliability/killed_writer_spec.lua.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local M = {}

M.Base = orm.declarative_base { metadata = sa.MetaData() }
M.Parent = M.Base:class("Parent", {
  __tablename__ = "parents",
  id = sa.Column(sa.Integer, { primary_key = true }),
  children = orm.relationship("Child"),
})
M.Child = M.Base:class("Child", {
  __tablename__ = "children",
  id = sa.Column(sa.Integer, { primary_key = true }),
  parent_id = sa.Column(sa.Integer, sa.ForeignKey("parents.id"), { nullable = false }),
  text = sa.Column(sa.String),
})

local function run(url, first)
  local session = orm.Session { bind = sa.create_engine(url) }
  for id = first, math.huge do
    local children = {}
    for i = 1, 3 do children[i] = M.Child { text = ("x"):rep(id % 3000) } end
    session:add(M.Parent { id = id, children = children })
    session:commit()
    io.write(id, "\n")
    io.flush()
  end
end

if arg and arg[0] and arg[0]:find("writer%.lua$") then run(arg[1], math.tointeger(arg[2])) end

return M
