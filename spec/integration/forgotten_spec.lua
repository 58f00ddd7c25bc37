-- Sessions and connections that a program drops without closing, collected at any moment, while others go on.
local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for name, url in targets.each() do
  for _, mode in ipairs { "incremental", "generational" } do
    it(("forgotten sessions and connections disturb nobody, %s collector, %s"):format(mode, name), function()
      local before = collectgarbage(mode)
      local engine = sa.create_engine(url)
      local _ <close> = setmetatable({}, { __close = function()
        engine:dispose()
        collectgarbage(before)
      end })
      local Base = orm.declarative_base {}
      local Thing = Base:class("Thing", { __tablename__ = "forgotten_things",
        id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(50)) })
      Base.metadata:create_all(engine)
      local Session = orm.sessionmaker { bind = engine }
      local acknowledged = 0
      -- On a shared connection (SQLite in memory) the end of a forgotten transaction ends those inside it: an error.
      local function tolerant(fn)
        local ok, err = pcall(fn)
        if not ok then assert.matches("was ended by another one", err.message or tostring(err)) end
        return ok
      end
      for i = 1, 300 do
        tolerant(function()
          local session = Session()
          session:add(Thing { name = "thing " .. i })
          if i % 3 == 0 then session:flush() end
          if i % 3 == 1 and tolerant(function() session:commit() end) then acknowledged = acknowledged + 1 end
          if i % 5 == 0 then engine:connect():execute(sa.text("SELECT 1")) end
        end)
        if i % 11 == 0 then collectgarbage() end
        if i % 4 == 0 then collectgarbage("step") end
      end
      collectgarbage()
      collectgarbage()
      do
        local session <close> = Session()
        assert.is_true(acknowledged > 50)
        assert.is_true(session:query(Thing):count() >= acknowledged)
      end
      Base.metadata:drop_all(engine)
    end)
  end
end
