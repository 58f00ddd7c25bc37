--- What holds on SQLite holds on its worker threads: specs of execution, transactions, coroutines and sessions once more.
local targets = require("spec.support.targets")

local AGAIN = { "engine", "execute", "result", "transaction", "async", "timeout", "values", "descriptors", "forgotten", "events",
  "orm_session", "orm_flush" }

describe("on a worker thread:", function()
  local each, sqlite = targets.each, targets.sqlite
  targets.sqlite = "sqlite://?worker=1"
  targets.each = function()
    local done
    return function()
      if done then return nil end
      done = true
      return "sqlite", targets.sqlite
    end
  end
  for _, name in ipairs(AGAIN) do assert(loadfile("spec/integration/" .. name .. "_spec.lua", "t", _ENV))() end
  targets.each, targets.sqlite = each, sqlite
end)
