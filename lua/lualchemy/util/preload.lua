--- Modules under the names by which dialects and drivers are looked for, wherever they really are.

--- Lets `require(path)` find a module: the name of another one, which is required when it is asked for, or the module itself.
---@param path string
---@param module string|table
---@return boolean done   not if something was loaded under that name before
return function(path, module)
  if package.loaded[path] then return false end
  package.preload[path] = function()
    if type(module) == "table" then return module end
    local ok, found = pcall(require, module)
    if ok then return found end
    if not tostring(found):find("module '" .. module .. "' not found", 1, true) then error(found, 0) end
    error(("module '%s' not found: it is registered as '%s', which is not there"):format(path, module), 0)
  end
  return true
end
