-- smoke.lua URL: a small program against whatever LUA_PATH and LUA_CPATH name; run by specs on installed copies.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local engine = sa.create_engine(arg[1])
local Base = orm.declarative_base()
local User = Base:class("User", {
  __tablename__ = "smoke_users",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(50)),
})
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)
do
  local session <close> = orm.Session{ bind = engine }
  session:add(User{ name = "ed" })
  session:commit()
  print(session:query(User):filter_by{ name = "ed" }:one().name)
end
Base.metadata:drop_all(engine)
engine:dispose()
