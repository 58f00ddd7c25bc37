--- Copies of an SQLite database to a file and back, while the program goes on: some pages at a time, between which other
-- coroutines run. When somebody writes meanwhile SQLite begins anew, so after some beginnings the rest goes in one step.

local Engine = require("lualchemy.engine.engine")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local wait = require("lualchemy.engine.wait")

local PAGES = 64
local MOST_BEGINNINGS = 5
local PATIENCE = 5          -- seconds that a locked database is asked again
local REST = 0.001          -- seconds left to others between two steps

local KINDS = { pages = "number", progress = "function" }

local function check_options(name, options)
  for key, value in pairs(options) do
    if type(value) ~= KINDS[key] then
      errors.raise("ArgumentError", "engine:%s(path, options): '%s' is %s", name, tostring(key),
        KINDS[key] and ("a %s, not %s"):format(KINDS[key], tostring(value)) or "no option of it")
    end
  end
end

-- What was begun is given up when the copy fails, or its coroutine is closed.
local Copy = {}
Copy.__index = Copy
function Copy:__close()
  if not self.done then pcall(self.dc.backup, self.dc, nil) end
end

-- One step: pages left and in all, or nil while somebody has the database locked.
function Copy:step(pages)
  local ok, left, total = pcall(self.dc.backup, self.dc, self.path, self.restore, pages)
  if ok then
    self.locked_since = nil
    return left, total
  end
  self.locked_since = self.locked_since or core.clock()
  if not errors.BusyError:is(left) or core.clock() - self.locked_since > PATIENCE then error(left, 0) end
end

local function run(copy, pages, progress)
  local before, beginnings = math.huge, 0
  repeat
    local left, total = copy:step(beginnings < MOST_BEGINNINGS and pages or -1)
    if left then
      if left >= before then beginnings = beginnings + 1 end
      before = left
      if progress then progress(left, total) end
    end
    if left == 0 then
      copy.done = true
      return total
    end
    if not left or wait.can_yield() then wait.pause(REST) end
  until false
end

local function copy_database(engine, name, path, options)
  options = options or {}
  check_options(name, options)
  if engine.name ~= "sqlite" then
    errors.raise("NotSupportedError", "engine:%s copies SQLite databases; %s has tools of its own for this", name, engine.name)
  end
  local proxy <close> = engine:raw_connection()
  local dc = proxy.driver_connection
  if dc:in_transaction() then
    errors.raise("InvalidRequestError", "engine:%s: a transaction is in progress on the one connection of this database; end it first", name)
  end
  local copy <close> = setmetatable({ dc = dc, path = path, restore = name == "restore" }, Copy)
  return run(copy, options.pages or PAGES, options.progress)
end

--- Copies an SQLite database, in memory or in a file, to the file `path`, whose own content is lost.
---@param path string
---@param options { pages: integer?, progress: fun(left: integer, total: integer)? }?   pages: of a step, 64 by default
---@return integer pages   copied
function Engine:backup(path, options) return copy_database(self, "backup", path, options) end

--- Replaces the database's content with that of the file `path`. Nobody may be using it meanwhile.
---@param path string
---@param options { pages: integer?, progress: fun(left: integer, total: integer)? }?
---@return integer pages   copied
function Engine:restore(path, options) return copy_database(self, "restore", path, options) end
