--- A process that writes to SQLite is killed with SIGKILL at random points: the file is sound, every acknowledged commit
-- is in it, and no half of one. 200 times with LUALCHEMY_SOAK=1.
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local tree = require("spec.support.tree")
local writer = require("spec.support.writer")

local TIMES = os.getenv("LUALCHEMY_SOAK") and 200 or 12

-- Starts a writer, kills it after some acknowledgements and a moment, answers the last number it acknowledged.
local function write_and_kill(url, first, acknowledgements, moment)
  local pipe = assert(io.popen(("echo $$; exec %s spec/support/writer.lua '%s' %d"):format(tree.interpreter(), url, first)))
  local pid, last = pipe:read("n", "l"), nil
  assert(math.type(pid) == "integer")
  for _ = 1, acknowledgements do last = pipe:read("n") or last end
  os.execute(("sleep %.4f; kill -9 %d"):format(moment, pid))
  for number in function() return pipe:read("n") end do last = number end
  pipe:close()
  return last
end

describe("a killed writer", function()
  for _, mode in ipairs { "delete", "wal" } do
    it("loses nothing acknowledged and leaves nothing half, journal_mode " .. mode, function()
      local path, remove = targets.temporary_file()
      finally(remove)
      local url = "sqlite:///" .. path .. "?journal_mode=" .. mode
      local engine = sa.create_engine(url)
      writer.Base.metadata:create_all(engine)
      engine:dispose()
      local acknowledged = 0
      math.randomseed(4, #mode)
      for _ = 1, TIMES do
        local last = write_and_kill(url, acknowledged + 1, math.random(1, 20), math.random() * 0.01)
        assert.is_true(last > acknowledged, "the writer wrote nothing")
        engine = sa.create_engine(url)
        do
          local conn <close> = engine:connect()
          assert.equal("ok", conn:exec_driver_sql("PRAGMA integrity_check"):scalar())
          local parents, highest = table.unpack(conn:exec_driver_sql("SELECT count(*), max(id) FROM parents"):one())
          local children = conn:exec_driver_sql("SELECT count(*) FROM children"):scalar()
          assert.equal(highest, parents, "a transaction is missing among the others")
          assert.is_true(highest == last or highest == last + 1, ("acknowledged %d, stored %d"):format(last, highest))
          assert.equal(parents * 3, children, "half a transaction is stored")
          acknowledged = highest
        end
        engine:dispose()
      end
    end)
  end
end)
