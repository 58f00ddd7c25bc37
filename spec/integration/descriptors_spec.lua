--- Engines and connections that are closed, or forgotten, in any order leave no open files behind.
local sa = require("lualchemy")
local targets = require("spec.support.targets")

-- The descriptors that this process has open, by the shell that is its child; it waits until its end of the pipe is all
-- there is of it.
local function open_files()
  local list = assert(io.popen("sleep 0.1; ls /proc/$PPID/fd | wc -l"))
  local n = list:read("n")
  list:close()
  return n
end

describe("open files", function()
  it("are no more after a thousand engines than before", function()
    local path, remove = targets.temporary_file()
    finally(remove)
    collectgarbage()
    local before = open_files()
    assert.is_true(before > 2)
    for i = 1, 1000 do
      local engine = sa.create_engine("sqlite:///" .. path)
      local conn = engine:connect()
      conn:execute(sa.text("SELECT 1"))
      if i % 4 == 0 then conn:close() end
      if i % 4 < 2 then engine:dispose() end
      if i % 4 == 1 then conn:close() end
      if i % 50 == 0 then collectgarbage() end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(open_files() <= before, "descriptors were left open")
  end)
end)
