-- Loading: how many statements bring what a program reads, and how a query says so.
--
--     lua5.4 examples/06_loading.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

local Team = Base:class("Team", {
  __tablename__ = "load_teams",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(40)),
  players = orm.relationship("Player", { back_populates = "team", order_by = "Player.id" }),
  matches = orm.relationship("Match", { lazy = "dynamic", order_by = "Match.id" }),
})

local Player = Base:class("Player", {
  __tablename__ = "load_players",
  id = sa.Column(sa.Integer, { primary_key = true }),
  team_id = sa.Column(sa.Integer, sa.ForeignKey("load_teams.id")),
  name = sa.Column(sa.String(40)),
  retired = sa.Column(sa.Boolean, { default = false }),
  biography = orm.deferred(sa.Column(sa.Text)),
  team = orm.relationship("Team", { back_populates = "players" }),
})

local Match = Base:class("Match", {
  __tablename__ = "load_matches",
  id = sa.Column(sa.Integer, { primary_key = true }),
  team_id = sa.Column(sa.Integer, sa.ForeignKey("load_teams.id")),
  goals = sa.Column(sa.Integer),
})

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local function fill()
  local session <close> = orm.Session{ bind = engine }
  for t = 1, 3 do
    local team = Team{ name = "team " .. t }
    for p = 1, 4 do
      team.players:append(Player{ name = ("player %d.%d"):format(t, p), biography = "born, played", retired = p == 4 })
    end
    for m = 1, 5 do team.matches:append(Match{ goals = m }) end
    session:add(team)
  end
  session:commit()
end
fill()

local statements = 0
sa.event.listen(engine, "before_cursor_execute", function() statements = statements + 1 end)

-- Reads every player of every team, and says how many statements that took.
local function count(what, ...)
  local session <close> = orm.Session{ bind = engine }
  local players, from = 0, statements
  for _, team in ipairs(session:query(Team):options(...):order_by(Team.id):all()) do
    for _ in ipairs(team.players) do players = players + 1 end
  end
  print(("%s: %d players by %d statements"):format(what, players, statements - from))
end

count("lazy")
count("joined", orm.joinedload(Team.players))
count("select-in", orm.selectinload(Team.players))
count("subquery", orm.subqueryload(Team.players))
count("batch", orm.batchload(Team.players))

-- Criteria belong to a relationship for one query, or to a class wherever it is loaded.
count("active ones", orm.selectinload(Team.players:and_(Player.retired:eq(false))))
count("active ones everywhere", orm.with_loader_criteria(Player, Player.retired:eq(false)))

do
  local session <close> = orm.Session{ bind = engine }
  -- LIMIT counts teams, whatever rows the join makes of them.
  local teams = session:query(Team):options(orm.joinedload(Team.players)):order_by(Team.id:desc()):limit(2):all()
  print("the last two", teams[1].name, #teams[1].players, teams[2].name, #teams[2].players)

  -- The query's own join fills the collection.
  session:expunge_all()
  local team = session:query(Team):join(Team.players):options(orm.contains_eager(Team.players)):filter(Player.name:like("%2.1")):one()
  print("one of them", team.name, #team.players, team.players[1].name)

  -- Code that must not query by accident says so.
  session:expunge_all()
  local player = session:query(Player):options(orm.raiseload("*"), orm.load_only(Player.name)):first()
  print("refused", not pcall(function() return player.team end))

  -- Deferred columns come when they are read, objects that are there already get what they lack.
  session:expunge_all()
  local all = session:query(Player):order_by(Player.id):all()
  print("deferred", all[1].biography)
  local from = statements
  session:preload(all, orm.selectinload(Player.team))
  print(("teams of %d players by %d statement"):format(#all, statements - from))

  -- A collection too large to load is asked.
  team = session:get(Team, 1)
  print("matches", team.matches:count(), team.matches:filter(Match.goals:gt(3)):count(), team.matches:first().goals)
end
Base.metadata:drop_all(engine)
engine:dispose()
