--- The databases that integration specs run on: SQLite in memory, and the PostgreSQL server that `make test` starts
-- (LUALCHEMY_TEST_URL, which may name any other server).
--
--     for name, url in targets.each() do
--       describe("transactions on " .. name, function() ... sa.create_engine(url) ... end)
--     end

local M = {}

M.sqlite = "sqlite://"

--- The PostgreSQL server's URL; without one the specs that need it fail.
---@return string
function M.postgresql()
  return os.getenv("LUALCHEMY_TEST_URL")
    or error("no PostgreSQL: run the specs through `make test`, or set LUALCHEMY_TEST_URL", 2)
end

-- SQLite never waits, so a scheduler has nothing to switch at.
local names = os.getenv("LUALCHEMY_SCHEDULED") and { "postgresql" } or { "sqlite", "postgresql" }

--- Iterates over name, URL.
function M.each()
  local i = 0
  return function()
    i = i + 1
    if names[i] == "sqlite" then return "sqlite", M.sqlite end
    if names[i] == "postgresql" then return "postgresql", M.postgresql() end
  end
end

--- The path of a file that does not exist yet, for databases in files; `remove` also takes SQLite's side files away.
---@return string path
---@return fun() remove
function M.temporary_file()
  local path = os.tmpname()
  local function remove()
    for _, suffix in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. suffix) end
  end
  os.remove(path)
  return path, remove
end

return M
