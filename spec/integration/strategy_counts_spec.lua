--- How many statements each way of loading sends, beyond those of statement_counts_spec. Every figure is what SQLAlchemy sends
-- for the same program; "batch" has no counterpart there.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end
local function reference(to) return sa.Column(sa.Integer, sa.ForeignKey(to)) end

local function define(Base, w)
  local tags_of = sa.Table("lc_post_tags", Base.metadata, sa.Column("post_id", sa.ForeignKey("lc_posts.id")),
    sa.Column("tag_id", sa.ForeignKey("lc_tags.id")))
  w.Author = Base:class("Author", {
    __tablename__ = "lc_authors", id = key(), name = sa.Column(sa.String(20)),
    bio = orm.deferred(sa.Column(sa.String(50)), { group = "long" }), notes = orm.deferred(sa.Column(sa.String(50)), { group = "long" }),
    photo = orm.deferred(sa.Column(sa.String(50))),
    posts = orm.relationship("Post", { back_populates = "author", order_by = "Post.id" }),
    written = orm.relationship("Post", { lazy = "write_only", viewonly = true }),
    asked = orm.relationship("Post", { lazy = "dynamic", viewonly = true, order_by = "Post.id" }),
  })
  w.Post = Base:class("Post", {
    __tablename__ = "lc_posts", id = key(), author_id = reference("lc_authors.id"),
    author = orm.relationship("Author", { back_populates = "posts" }),
    tags = orm.relationship("Tag", { secondary = tags_of, back_populates = "posts", order_by = "Tag.id" }),
  })
  w.Tag = Base:class("Tag", { __tablename__ = "lc_tags", id = key(),
    posts = orm.relationship("Post", { secondary = tags_of, back_populates = "tags" }) })
  w.Place = Base:class("Place", { __tablename__ = "lc_places", x = key(), y = key(),
    visits = orm.relationship("Visit", { back_populates = "place", order_by = "Visit.id" }) })
  w.Visit = Base:class("Visit", {
    __tablename__ = "lc_visits", id = key(), place_x = sa.Column(sa.Integer), place_y = sa.Column(sa.Integer),
    __table_args__ = { sa.ForeignKeyConstraint({ "place_x", "place_y" }, { "lc_places.x", "lc_places.y" }) },
    place = orm.relationship("Place", { back_populates = "visits" }),
  })
  w.Node = Base:class("Node", {
    __tablename__ = "lc_nodes", id = key(), parent_id = reference("lc_nodes.id"),
    children = orm.relationship("Node", { back_populates = "parent", order_by = "Node.id" }),
    parent = orm.relationship("Node", { back_populates = "children", remote_side = "Node.id" }),
  })
  w.Whole = Base:class("Whole", {
    __tablename__ = "lc_wholes", id = key(), name = sa.Column(sa.String(20)),
    joined = orm.relationship("Part", { lazy = "joined", viewonly = true }),
    selectin = orm.relationship("Part", { lazy = "selectin", viewonly = true }),
    subquery = orm.relationship("Part", { lazy = "subquery", viewonly = true }),
    immediate = orm.relationship("Part", { lazy = "immediate", viewonly = true }),
  })
  w.Part = Base:class("Part", { __tablename__ = "lc_parts", id = key(), whole_id = reference("lc_wholes.id") })
end

local function fill(session, w)
  for i = 1, 3 do session:add(w.Author { id = i, name = "a" .. i }) end
  session:flush()
  local one, two = w.Tag { id = 1 }, w.Tag { id = 2 }
  session:add_all { w.Post { id = 1, author_id = 1, tags = { one, two } }, w.Post { id = 2, author_id = 1, tags = { one } },
    w.Post { id = 3, author_id = 2 }, w.Post { id = 4 } }
  session:add_all { w.Place { x = 1, y = 1 }, w.Place { x = 1, y = 2 }, w.Visit { id = 1, place_x = 1, place_y = 1 },
    w.Visit { id = 2, place_x = 1, place_y = 2 } }
  session:add(w.Node { id = 1, children = { w.Node { id = 2, children = { w.Node { id = 3, children = { w.Node { id = 4 } } } } } } })
  session:add_all { w.Whole { id = 1, name = "w" } }
  session:flush()
  session:add(w.Part { id = 1, whole_id = 1 })
  session:flush()
  session:expunge_all()
end

-- "3 SELECT, 1 UPDATE", in the order in which each kind came first.
local function counted(sent)
  local parts, count, last = {}, 0, nil
  for i = 1, #sent + 1 do
    if sent[i] ~= last then
      if last then parts[#parts + 1] = ("%d %s"):format(count, last) end
      count, last = 0, sent[i]
    end
    count = count + 1
  end
  return table.concat(parts, ", ")
end

local function read(list, ...)
  for _, object in ipairs(list) do
    for _, name in ipairs { ... } do local _ = object[name] end
  end
end

local function read_below(list)
  for _, author in ipairs(list) do read(author.posts, "tags") end
end

local function read_back(list)
  for _, post in ipairs(list) do
    if post.author then read({ post.author }, "posts") end
  end
end

local function descend(node)
  while node do node = node.children[1] end
end

for database, url in targets.each() do
  describe("statements by strategy on " .. database, function()
    local w, engine, session, sent = {}, nil, nil, nil
    local Base = orm.declarative_base()
    define(Base, w)
    local Author, Post, Tag, Place, Visit, Node, Whole = w.Author, w.Post, w.Tag, w.Place, w.Visit, w.Node, w.Whole

    setup(function()
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      sa.event.listen(engine, "before_cursor_execute", function(_, _, sql) sent[#sent + 1] = sql:match("^%u+") end)
    end)
    teardown(function()
      Base.metadata:drop_all(engine)
      engine:dispose()
    end)
    before_each(function()
      sent = {}
      session = orm.Session { bind = engine }
      fill(session, w)
      sent = {}
    end)
    after_each(function() session:close() end)

    local function query(class_, ...) return session:query(class_):options(...) end
    local function authors(...) return query(Author, ...):order_by(Author.id):all() end
    local function posts(...) return query(Post, ...):order_by(Post.id):all() end
    local function node(...) return query(Node, ...):filter_by { id = 1 }:one() end
    local function author(...) return session:get(Author, 1, { options = { ... } }) end
    local function insert(class_, count, row)
      local list = {}
      for i = 1001, 1000 + count do list[#list + 1] = row(i) end
      session:execute(sa.insert(class_), list)
      sent = {}
    end
    local function more_authors(count)
      insert(Author, count, function(i) return { id = i } end)
      insert(Post, count, function(i) return { id = i, author_id = i } end)
    end
    local function more_places(count)
      insert(Place, count, function(i) return { x = i, y = 7 } end)
      insert(Visit, count, function(i) return { id = i, place_x = i, place_y = 7 } end)
    end
    local function again(object, names, ...)
      session:expire(object, names)
      read({ object }, ...)
    end

    local rows = {
      -- keys go 500 at a time
      { "select-in: 500 lists", "2 SELECT", function()
        more_authors(497)
        read(authors(orm.selectinload(Author.posts)), "posts")
      end },
      { "select-in: 501 lists", "3 SELECT", function()
        more_authors(498)
        read(authors(orm.selectinload(Author.posts)), "posts")
      end },
      { "select-in: 1,001 lists", "4 SELECT", function()
        more_authors(998)
        read(authors(orm.selectinload(Author.posts)), "posts")
      end },
      { "select-in: lists by chunks of the program's size", "5 SELECT", function()
        more_authors(7)
        read(authors(orm.selectinload(Author.posts, { chunksize = 3 })), "posts")
      end },
      { "select-in: 1,001 references", "4 SELECT", function()
        more_authors(999)
        read(posts(orm.selectinload(Post.author)), "author")
      end },
      { "select-in: 501 lists through a secondary table", "3 SELECT", function()
        insert(Tag, 499, function(i) return { id = i } end)
        read(query(Tag, orm.selectinload(Tag.posts)):all(), "posts")
      end },
      { "select-in: 501 lists of a composite key", "3 SELECT", function()
        more_places(499)
        read(query(Place, orm.selectinload(Place.visits)):all(), "visits")
      end },
      { "select-in: 501 references of a composite key", "3 SELECT", function()
        more_places(499)
        read(query(Visit, orm.selectinload(Visit.place)):all(), "place")
      end },
      { "subquery: 1,001 lists", "2 SELECT", function()
        more_authors(998)
        read(authors(orm.subqueryload(Author.posts)), "posts")
      end },
      { "joined: 1,001 lists", "1 SELECT", function()
        more_authors(998)
        read(authors(orm.joinedload(Author.posts)), "posts")
      end },
      -- one below another
      { "select-in below select-in", "3 SELECT", function() read_below(authors(orm.selectinload(Author.posts):selectinload(Post.tags))) end },
      { "subquery below subquery", "3 SELECT", function() read_below(authors(orm.subqueryload(Author.posts):subqueryload(Post.tags))) end },
      { "joined below select-in", "2 SELECT", function() read_below(authors(orm.selectinload(Author.posts):joinedload(Post.tags))) end },
      { "select-in below joined", "2 SELECT", function() read_below(authors(orm.joinedload(Author.posts):selectinload(Post.tags))) end },
      { "select-in below lazy lists", "6 SELECT", function() read_below(authors(orm.lazyload(Author.posts):selectinload(Post.tags))) end },
      { "select-in below what the mapping says", "6 SELECT", function()
        read_below(authors(orm.defaultload(Author.posts):selectinload(Post.tags)))
      end },
      { "immediate below immediate", "7 SELECT", function() read_below(authors(orm.immediateload(Author.posts):immediateload(Post.tags))) end },
      { "batch below batch", "3 SELECT", function() read_below(authors(orm.batchload(Author.posts):batchload(Post.tags))) end },
      { "joined below a lazy reference", "3 SELECT", function() read_back(posts(orm.lazyload(Post.author):joinedload(Author.posts))) end },
      { "select-in below a select-in reference", "3 SELECT", function()
        read_back(posts(orm.selectinload(Post.author):selectinload(Author.posts)))
      end },
      { "joined below a joined reference", "1 SELECT", function() read_back(posts(orm.joinedload(Post.author):joinedload(Author.posts))) end },
      -- into itself
      { "select-in into itself, no depth", "2 SELECT", function() node(orm.selectinload(Node.children)) end },
      { "select-in into itself, depth 1", "3 SELECT", function() node(orm.selectinload(Node.children, { recursion_depth = 1 })) end },
      { "select-in into itself, depth 2", "4 SELECT", function() node(orm.selectinload(Node.children, { recursion_depth = 2 })) end },
      { "select-in into itself, to the end", "5 SELECT", function() node(orm.selectinload(Node.children, { recursion_depth = -1 })) end },
      { "select-in into itself, the rest lazily", "5 SELECT", function()
        descend(node(orm.selectinload(Node.children, { recursion_depth = 1 })))
      end },
      { "select-in upwards, to the end", "4 SELECT", function()
        query(Node, orm.selectinload(Node.parent, { recursion_depth = -1 })):filter_by { id = 4 }:one()
      end },
      { "immediate into itself, depth 1", "3 SELECT", function() node(orm.immediateload(Node.children, { recursion_depth = 1 })) end },
      { "immediate into itself, depth 2", "4 SELECT", function() node(orm.immediateload(Node.children, { recursion_depth = 2 })) end },
      { "immediate into itself, to the end", "5 SELECT", function() node(orm.immediateload(Node.children, { recursion_depth = -1 })) end },
      { "immediate upwards, to the end", "4 SELECT", function()
        query(Node, orm.immediateload(Node.parent, { recursion_depth = -1 })):filter_by { id = 4 }:one()
      end },
      -- nothing, or by hand
      { "raise: the query alone", "1 SELECT", function()
        local list = authors(orm.raiseload(Author.posts))
        assert.is_false(pcall(read, list, "posts"))
      end },
      { "raise: nor from memory", "2 SELECT", function()
        local list = authors()
        assert.is_false(pcall(read, posts(orm.raiseload(Post.author)), "author"))
        assert.equal(3, #list)
      end },
      { "raise_on_sql: what is in memory", "2 SELECT", function()
        local list = authors()
        read(posts(orm.raiseload(Post.author, { sql_only = true })), "author")
        assert.equal(3, #list)
      end },
      { "raise_on_sql: not what is not", "1 SELECT", function()
        assert.is_false(pcall(read, posts(orm.raiseload(Post.author, { sql_only = true })), "author"))
      end },
      { "raise for all but one", "2 SELECT", function() read(authors(orm.selectinload(Author.posts), orm.raiseload("*")), "posts") end },
      { "noload", "1 SELECT", function() read(authors(orm.noload(Author.posts)), "posts") end },
      { "write_only: read", "1 SELECT", function() read(authors(), "written") end },
      { "write_only: selected", "4 SELECT", function()
        for _, one in ipairs(authors()) do session:scalars(one.written:select()):all() end
      end },
      { "dynamic: read", "1 SELECT", function() read(authors(), "asked") end },
      { "dynamic: asked each time", "3 SELECT", function()
        local asked = authors()[1].asked
        asked:all()
        asked:count()
      end },
      { "contains_eager", "1 SELECT", function()
        read(session:query(Author):outerjoin(Author.posts):options(orm.contains_eager(Author.posts)):all(), "posts")
      end },
      { "contains_eager, select-in below", "2 SELECT", function()
        read_below(session:query(Author):outerjoin(Author.posts):options(orm.contains_eager(Author.posts):selectinload(Post.tags)):all())
      end },
      { "contains_eager of a reference, its list lazily", "3 SELECT", function()
        read_back(session:query(Post):join(Post.author):options(orm.contains_eager(Post.author)):all())
      end },
      -- limits and blocks
      { "joined under LIMIT", "1 SELECT", function() read(query(Author, orm.joinedload(Author.posts)):order_by(Author.id):limit(2):all(), "posts") end },
      { "subquery under LIMIT", "2 SELECT", function()
        read(query(Author, orm.subqueryload(Author.posts)):order_by(Author.id):limit(2):all(), "posts")
      end },
      { "select-in for each block of yield_per", "4 SELECT", function()
        more_authors(22)
        for one in query(Author, orm.selectinload(Author.posts)):yield_per(10):iter() do read({ one }, "posts") end
      end },
      -- columns
      { "a deferred column, each", "4 SELECT", function() read(authors(), "photo") end },
      { "a group of deferred columns", "2 SELECT", function() read({ author() }, "bio", "notes") end },
      { "a group, and one that is not of it", "3 SELECT", function() read({ author() }, "bio", "notes", "photo") end },
      { "undefer", "1 SELECT", function() read(authors(orm.undefer(Author.photo)), "photo") end },
      { "undefer_group", "1 SELECT", function() read(authors(orm.undefer_group("long")), "bio", "notes") end },
      { "load_only", "3 SELECT", function() read({ author(orm.load_only(Author.id)) }, "name", "bio") end },
      -- by key, and again
      { "by key with select-in", "2 SELECT", function() read({ author(orm.selectinload(Author.posts)) }, "posts") end },
      { "by key, joined", "1 SELECT", function() read({ author(orm.joinedload(Author.posts)) }, "posts") end },
      { "in memory: options ask for nothing", "1 SELECT", function()
        local one = author()
        assert.equal(one, author(orm.selectinload(Author.posts)))
      end },
      { "expired: each object once", "4 SELECT", function()
        local list = authors()
        session:expire_all()
        read(list, "name", "id")
      end },
      { "expired: what was joined comes along", "2 SELECT", function() again(author(orm.joinedload(Author.posts)), nil, "name", "posts") end },
      { "expired: what came by select-in comes along", "4 SELECT", function() again(author(orm.selectinload(Author.posts)), nil, "name") end },
      { "expired: what came by subquery comes along", "4 SELECT", function() again(author(orm.subqueryload(Author.posts)), nil, "name") end },
      { "expired: what came at once comes along", "4 SELECT", function() again(author(orm.immediateload(Author.posts)), nil, "name") end },
      { "expired: what is lazy stays so", "2 SELECT", function() again(author(orm.lazyload(Author.posts)), nil, "name") end },
      { "expired: what the mapping loads comes along", "8 SELECT", function()
        again(session:get(Whole, 1), nil, "name", "joined", "selectin", "subquery", "immediate")
      end },
      { "expired: one attribute comes alone", "2 SELECT", function() again(author(orm.joinedload(Author.posts)), { "name" }, "name", "posts") end },
      { "expired: a list comes alone", "2 SELECT", function() again(author(orm.joinedload(Author.posts)), { "posts" }, "name", "posts") end },
      { "expired: got by key as it was loaded", "2 SELECT", function()
        local one = author(orm.joinedload(Author.posts))
        session:expire(one)
        read({ session:get(Author, 1) }, "name", "posts")
      end },
      { "refreshed with what was joined", "2 SELECT", function()
        local one = author(orm.joinedload(Author.posts))
        session:refresh(one)
        read({ one }, "name", "posts")
      end },
      { "refreshed with what came by select-in", "4 SELECT", function()
        local one = author(orm.selectinload(Author.posts))
        session:refresh(one)
        read({ one }, "name", "posts")
      end },
      { "refreshed: what was deferred by the option is not read", "2 SELECT", function() session:refresh(author(orm.load_only(Author.id))) end },
      { "refreshed: a list that must not be lazy, by name", "3 SELECT", function()
        local one = author(orm.raiseload(Author.posts))
        session:refresh(one, { "posts" })
        assert.equal(2, #one.posts)
      end },
      { "refreshed: a joined list, by name", "2 SELECT", function()
        local one = author(orm.joinedload(Author.posts))
        session:refresh(one, { "name", "posts" })
        assert.equal(2, #one.posts)
      end },
      { "expired: a joined list is read with its row", "2 SELECT", function() again(author(orm.joinedload(Author.posts)), nil, "posts", "name") end },
      { "expired: a list by select-in is not asked for twice", "4 SELECT", function()
        again(author(orm.selectinload(Author.posts)), nil, "posts", "name")
      end },
      { "expired: what came by the query's own join is lazy", "5 SELECT", function()
        local other = orm.aliased(Post)
        local one = session:query(Post):join(Post.author):join(Author.posts:of_type(other)):filter(Post.id:eq(1))
          :options(orm.contains_eager(Post.author):contains_eager(Author.posts:of_type(other))):one()
        session:expire(one)
        session:expunge_all()
        session:add(one)
        assert.equal(2, #one.author.posts)
        session:refresh(one)
      end },
      { "populate_existing", "4 SELECT", function()
        local list = authors(orm.selectinload(Author.posts))
        query(Author, orm.selectinload(Author.posts)):populate_existing():all()
        assert.equal(3, #list)
      end },
      -- changes
      { "deleting a parent reads its list", "2 SELECT, 1 UPDATE, 1 DELETE", function()
        session:delete(session:get(Author, 1))
        session:flush()
      end },
      { "a reference is set without reading what was there", "2 SELECT, 1 UPDATE", function()
        local post, other = session:get(Post, 1), session:get(Author, 2)
        post.author = other
        session:flush()
      end },
      { "a list is appended to without being read", "1 SELECT, 1 INSERT", function()
        session:add(Post { id = 9, author = session:get(Author, 1) })
        session:flush()
      end },
      { "a list is replaced", "2 SELECT, 1 UPDATE", function()
        session:get(Author, 1).posts = {}
        session:flush()
      end },
      { "a reference is cleared", "1 SELECT, 1 UPDATE", function()
        session:get(Post, 1).author = nil
        session:flush()
      end },
      { "merging a list reads it with one statement", "3 SELECT, 2 UPDATE, 1 INSERT", function()
        session:merge(Author { id = 1, name = "x", posts = { Post { id = 1 }, Post { id = 10 } } })
        session:flush()
      end },
      { "merging a reference does not read the list behind it", "2 SELECT, 1 UPDATE", function()
        session:merge(Post { id = 1, author = Author { id = 2 } })
        session:flush()
      end },
    }
    for _, row in ipairs(rows) do
      it(row[1], function()
        row[3]()
        assert.equal(row[2], counted(sent))
      end)
    end
  end)
end
