--- Every event of an engine, its pool, its statements and transactions is told in each of the ways to listen: as a
--- method of an extension and as a function, to one engine, pool or connection and to all of them.

local sa = require("lualchemy")
local targets = require("spec.support.targets")

local POOL = { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "soft_invalidate", "detach", "close",
  "close_detached" }
local WORK = { "begin", "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint", "before_execute",
  "after_execute", "before_cursor_execute", "after_cursor_execute", "handle_error", "set_connection_execution_options" }
local TWO_PHASES = { "begin_twophase", "prepare_twophase", "commit_twophase", "rollback_twophase" }
local ENGINE = { "engine_connect", "set_engine_execution_options", "engine_disposed", "do_connect", "do_execute" }

-- Does everything there is an event for; `listen_to` is told of the connection.
local function live(engine, listen_to)
  do
    local conn <close> = engine:connect()
    if listen_to then listen_to(conn) end
    conn:execution_options { any = 1 }
    conn:execute(sa.text("SELECT 1")):all()
    conn:begin_nested():commit()
    conn:begin_nested():rollback()
    assert.is_false((pcall(conn.execute, conn, sa.text("SELECT nothing FROM nowhere"))))
    conn:rollback()
    conn:begin():commit()
    if engine.name == "postgresql" then
      for _, verb in ipairs { "commit", "rollback" } do
        local tx = conn:begin_twophase()
        tx:prepare()
        tx[verb](tx)
      end
    end
    conn:invalidate()
    conn:execute(sa.text("SELECT 1"))
  end
  do
    local conn <close> = engine:connect()
    conn:detach()
  end
  local raw = engine:raw_connection()
  raw:invalidate("worn", { soft = true })
  raw:close()
  engine:execution_options { any = 2 }
  engine:dispose()
end

for name, url in targets.each() do
  describe("every event on " .. name, function()
    local heard, undo, remove
    before_each(function()
      heard, undo = {}, {}
      if name == "sqlite" then
        local path
        path, remove = targets.temporary_file()
        url = "sqlite:///" .. path
      end
    end)
    after_each(function()
      for _, fn in ipairs(undo) do fn() end
      if remove then remove() end
    end)

    local function names_of(...)
      local names = {}
      for _, list in ipairs { ... } do
        if list ~= TWO_PHASES or name == "postgresql" then table.move(list, 1, #list, #names + 1, names) end
      end
      return names
    end

    local function listen(target, names)
      for _, event in ipairs(names) do
        local function fn() heard[event] = true end
        sa.event.listen(target, event, fn)
        undo[#undo + 1] = function() sa.event.remove(target, event, fn) end
      end
    end

    local function extension(names)
      local methods = {}
      for _, event in ipairs(names) do
        methods[event] = function(self)
          assert(self == methods)
          heard[event] = true
        end
      end
      return methods
    end

    local function check(names)
      for _, event in ipairs(names) do assert(heard[event], event .. " was not told") end
    end

    local all, work = names_of(POOL, WORK, TWO_PHASES, ENGINE), names_of(WORK, TWO_PHASES)

    it("by an engine, or all of them", function()
      for _, target in ipairs { false, sa.Engine } do
        heard = {}
        local engine = sa.create_engine(url)
        listen(target or engine, all)
        live(engine)
        check(all)
      end
    end)

    it("by a pool, or all of them", function()
      for _, target in ipairs { false, sa.pool.Pool } do
        heard = {}
        local engine = sa.create_engine(url)
        listen(target or engine.pool, POOL)
        live(engine)
        check(POOL)
      end
    end)

    it("by a connection, or all of them", function()
      live(sa.create_engine(url), function(conn) listen(conn, work) end)
      check(work)
      heard = {}
      listen(sa.Connection, work)
      live(sa.create_engine(url))
      check(work)
    end)

    it("to an extension given to create_engine, an engine, a pool", function()
      live(sa.create_engine(url, { listeners = { extension(all) } }))
      check(all)
      heard = {}
      local engine = sa.create_engine(url)
      engine:add_listener(extension(work))
      engine.pool:add_listener(extension(POOL))
      sa.event.extend(engine, extension(ENGINE))
      live(engine)
      check(all)
    end)
  end)
end
