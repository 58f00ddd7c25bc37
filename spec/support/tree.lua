--- The project's own files, for specs about them.

local lfs = require("lfs")

local M = {}

local function walk(folder, pattern, out)
  local names = {}
  for name in lfs.dir(folder) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
      walk(path, pattern, out)
    elseif name:match(pattern) then
      out[#out + 1] = path
    end
  end
end

--- Paths of the files in or below a folder whose name matches a pattern, sorted.
---@param folder string
---@param pattern string
---@return string[]
function M.files(folder, pattern)
  local out = {}
  if lfs.attributes(folder, "mode") == "directory" then walk(folder, pattern, out) end
  return out
end

---@param path string
---@return string
function M.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- The interpreter that runs the specs.
---@return string
function M.interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  return i < 0 and arg[i] or "lua5.4"
end

--- Runs a shell command; its output (both streams) and whether it ended well. Without the sanitizers' library, which
-- is preloaded for us alone.
---@param command string
---@return string output
---@return boolean ok
function M.run(command)
  local pipe = assert(io.popen("env -u LD_PRELOAD sh -c '" .. command:gsub("'", "'\\''") .. "' 2>&1"))
  local output = pipe:read("a")
  return output, pipe:close() == true
end

--- Runs the interpreter, which needs that library where we do.
---@param arguments string
---@return string output
---@return boolean ok
function M.run_lua(arguments)
  local pipe = assert(io.popen(("%s %s 2>&1"):format(M.interpreter(), arguments)))
  local output = pipe:read("a")
  return output, pipe:close() == true
end

return M
