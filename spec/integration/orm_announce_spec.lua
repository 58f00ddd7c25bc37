-- What the ORM sends by itself is told to those who listen for statements, to a proxy as well: none goes unseen.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("statements of the ORM, told on " .. name, function()
    local engine, Base, Band, Song, seen
    before_each(function()
      Base, seen = orm.declarative_base(), {}
      sa.Table("told_links", Base.metadata,
        sa.Column("band_id", sa.ForeignKey("told_bands.id")), sa.Column("song_id", sa.ForeignKey("told_songs.id")))
      Band = Base:class("Band", {
        __tablename__ = "told_bands",
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
        songs = orm.relationship("Song", { secondary = "told_links" }),
      })
      Song = Base:class("Song", { __tablename__ = "told_songs", id = sa.Column(sa.Integer, { primary_key = true }) })
    end)
    after_each(function()
      Base.metadata:drop_all(engine)
      engine:dispose()
    end)

    local function verb_of(statement)
      for _, verb in ipairs { "Insert", "Update", "Delete", "Select" } do
        if sa[verb]:is(statement) then return verb .. " " .. (statement.table and statement.table.name or "") end
      end
      return "other"
    end

    local function note(statement) seen[#seen + 1] = verb_of(statement) end

    local function open(proxy)
      engine = sa.create_engine(url, { proxy = proxy })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      seen = {}
    end

    -- A flush of every kind, a look-up by key, a lazy load.
    local function work()
      local session <close> = orm.Session { bind = engine }
      local band = Band { name = "a" }
      band.songs:append(Song {})
      session:add(band)
      session:flush()
      band.name = "b"
      session:flush()
      local id = band.id
      session:expunge_all()
      band = session:get(Band, id)
      assert.equal(1, #band.songs)
      session:delete(band)
      session:commit()
    end

    local expected = { "Delete told_bands", "Delete told_links", "Insert told_bands", "Insert told_links", "Insert told_songs",
      "Select ", "Select ", "Update told_bands" }

    local function sorted(list)
      table.sort(list)
      return list
    end

    it("to listeners of before_execute and after_execute", function()
      open()
      local after = {}
      sa.event.listen(engine, "before_execute", function(_, statement) note(statement) end)
      sa.event.listen(engine, "after_execute", function(_, statement, _, _, _, result)
        after[#after + 1] = verb_of(statement)
        assert.equal("number", type(result.rowcount))
      end)
      work()
      assert.same(expected, sorted(seen))
      assert.same(expected, sorted(after))
    end)

    it("to a proxy", function()
      open {
        execute = function(_, conn, execute, statement, ...)
          assert.is_true(sa.Connection:is(conn))
          note(statement)
          return execute(statement, ...)
        end,
      }
      work()
      assert.same(expected, sorted(seen))
    end)

    it("cannot be replaced, and a proxy has to let them through", function()
      local proxy = {}
      open(proxy)
      local session <close> = orm.Session { bind = engine }
      session:add(Band { name = "a" })
      local function replace() return sa.select(sa.literal(1)) end
      sa.event.listen(engine, "before_execute", replace, { retval = true })
      raises("InvalidRequestError", "a statement of the ORM's own cannot be replaced.*INSERT INTO told_bands", session.flush, session)
      sa.event.remove(engine, "before_execute", replace)
      session:rollback()
      session:add(Band { name = "b" })
      proxy.execute = function() end
      raises("InvalidRequestError", "the proxy's execute has to call the function", session.flush, session)
      proxy.execute = nil
      session:rollback()
      session:add(Band { name = "c" })
      session:commit()
      assert.equal(1, session:query(Band):count())
    end)

    it("name the columns by which rows are found", function()
      open()
      local texts = {}
      sa.event.listen(engine, "before_execute", function(_, statement)
        texts[#texts + 1] = tostring(statement):gsub("%s+", " ")
      end)
      work()
      local all = table.concat(texts, "; ")
      for _, text in ipairs { "UPDATE told_bands SET id=:id, name=:name WHERE told_bands.id = :id_1",
        "DELETE FROM told_bands WHERE told_bands.id = :id_1",
        "DELETE FROM told_links WHERE told_links.band_id = :band_id_1 AND told_links.song_id = :song_id_1" } do
        assert.is_truthy(all:find(text, 1, true), text .. " is not in " .. all)
      end
    end)
  end)
end
