-- 14. Select-in loading asks for the children of many parents at once: 500 keys a statement, keys of several columns as tuples; parents
-- without children are known to have none, and each parent's children come in the relationship's order.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("select-in loading", function(Base, w)
  w.Album = Base:class("Album", { __tablename__ = "selectin_albums", artist = sa.Column(sa.String(20), { primary_key = true }),
    title = sa.Column(sa.String(20), { primary_key = true }),
    tracks = orm.relationship("Track", { order_by = "Track.place:desc()", back_populates = "album" }) })
  w.Track = Base:class("Track", { __tablename__ = "selectin_tracks", id = sa.Column(sa.Integer, { primary_key = true }), place = sa.Column(sa.Integer),
    artist = sa.Column(sa.String(20)), title = sa.Column(sa.String(20)), album = orm.relationship("Album", { back_populates = "tracks" }),
    __table_args__ = { sa.ForeignKeyConstraint({ "artist", "title" }, { "selectin_albums.artist", "selectin_albums.title" }) } })
  w.Parent = Base:class("Parent", { __tablename__ = "selectin_parents", id = sa.Column(sa.Integer, { primary_key = true }),
    children = orm.relationship("Child", { order_by = "Child.place" }) })
  w.Child = Base:class("Child", { __tablename__ = "selectin_children", id = sa.Column(sa.Integer, { primary_key = true }), place = sa.Column(sa.Integer),
    parent_id = sa.Column(sa.ForeignKey("selectin_parents.id")) })
end, function(w)
  local session
  before_each(function() session = w.session end)

  local function count(text, what) return select(2, text:gsub(what, "")) end

  local function load(class, relationship, order)
    local list
    local sent = world.sent(w, function()
      list = session:query(class):options(orm.selectinload(relationship)):order_by(table.unpack(order)):all()
    end)
    return list, sent
  end

  it("asks for 500 keys at a time", function()
    local rows = {}
    for i = 1, 1001 do rows[i] = { id = i } end
    session:execute(sa.insert(w.Parent.__table__), rows)
    session:add_all{ w.Child{ parent_id = 1 }, w.Child{ parent_id = 501 }, w.Child{ parent_id = 1001 } }
    session:commit()
    session:expunge_all()
    local parents, sent = load(w.Parent, w.Parent.children, { w.Parent.id })
    assert.equal(1 + 3, #sent)
    local mark = w.database == "sqlite" and "%?" or "%$%d+"
    assert.same({ 500, 500, 1 }, { count(sent[2], mark), count(sent[3], mark), count(sent[4], mark) })
    assert.same({}, world.sent(w, function()
      for i, parent in ipairs(parents) do assert.equal(i % 500 == 1 and 1 or 0, #parent.children) end
    end))
  end)

  it("takes keys of several columns for tuples", function()
    session:add_all{ w.Album{ artist = "a", title = "b" }, w.Album{ artist = "b", title = "a" }, w.Album{ artist = "a", title = "a" } }
    for i, of in ipairs{ { "a", "b" }, { "b", "a" }, { "a", "b" } } do session:add(w.Track{ id = i, place = i, artist = of[1], title = of[2] }) end
    session:commit()
    session:expunge_all()
    local albums, sent = load(w.Album, w.Album.tracks, { w.Album.artist, w.Album.title })
    assert.equal(2, #sent)
    assert.matches("(selectin_tracks.artist, selectin_tracks.title) IN (", sent[2], 1, true)
    local ids = {}
    for i, album in ipairs(albums) do
      local list = {}
      for k, track in ipairs(album.tracks) do list[k] = track.id end
      ids[i] = table.concat(list, " ")
    end
    assert.same({ "", "3 1", "2" }, ids)
  end)

  it("keeps the relationship's order for each parent", function()
    for p = 1, 3 do
      session:add(w.Parent{ id = p })
      for i, place in ipairs{ 3, 1, 2 } do session:add(w.Child{ id = p * 10 + i, place = place, parent_id = p }) end
    end
    session:commit()
    session:expunge_all()
    for p, parent in ipairs((load(w.Parent, w.Parent.children, { w.Parent.id }))) do
      assert.same({ p * 10 + 2, p * 10 + 3, p * 10 + 1 }, { parent.children[1].id, parent.children[2].id, parent.children[3].id })
    end
  end)
end)
