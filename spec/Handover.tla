------------------------------- MODULE Handover -------------------------------
(***************************************************************************)
(* The handover of one schedule between two clusters: docs/cutover.md as a *)
(* state machine that TLC can exhaust. What is modelled, what is left out  *)
(* and what was found: docs/model.md. How to run it: spec/README.md.       *)
(*                                                                         *)
(* Time is a counter. Nominal time n is due on cluster c at n + Offset(c). *)
(* A bound of ours is the number B itself: `until` = B runs n < B,         *)
(* `from` = B runs n >= B, 0 stands for no bound.                          *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, TLC

CONSTANTS
  Noms,      \* nominal times of the schedule, a set of naturals > 0
  Jitter,    \* "none": n is due at n; "A" or "B": later on that side, by
  By,        \*   so much, less than lies between two nominal times (the seed of the jitter differs per cluster)
  Slow,      \* "none", or the side whose clock is a unit behind the other's and ours
  Engines,   \* engines each cluster may have, a subset of {"v1", "v2"}
  Lead,      \* from choosing a boundary to reaching it
  Crashes,   \* attempts that are cut off anywhere and forget everything
  Flips,     \* changes of the wanted direction (a rollback), each may cut off the attempt under way as well
  Busy,      \* times an open run of the source outlasts its limit
  Pauses, Edits, Strips, \* user's: pause or unpause; change of content; edit that takes our bound off a fenced source
  Without    \* the mutants: names of steps that are left out, {} for the real protocol

Side == {"A", "B"}
Other(c) == IF c = "A" THEN "B" ELSE "A"
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Offset(c) == IF Jitter = c THEN By ELSE 0
Widest == IF Jitter = "none" THEN 0 ELSE By
Behind(c) == IF Slow = c THEN 1 ELSE 0
\* Nothing is due any more: from here on time needs no counting, every wait ends.
End == Max(Noms) + Widest + (IF Slow = "none" THEN 0 ELSE 1) + 1

(***************************************************************************)
(* Shapes (src/schedules/shapes.ts, note.ts)                               *)
(***************************************************************************)
NoMark == [kind |-> "none", b |-> 0, next |-> 0, user |-> "-", settle |-> 0, hash |-> 0]
Resting(b, user, settle) == [NoMark EXCEPT !.kind = "standby", !.b = b, !.user = user, !.settle = settle]
FenceMark(f) == [NoMark EXCEPT !.kind = "fence", !.b = f.b, !.next = f.next, !.hash = f.hash]

Standby(x, mark) == [x EXCEPT !.paused = TRUE, !.mark = mark]
AsUserWrote(x, start, end) == [x EXCEPT !.from = start, !.until = end, !.mark = NoMark]
OwnerAsUserWrote(x, copy) == AsUserWrote(x, IF x.from # 0 THEN copy.from ELSE 0, x.until)
Fenced(x, f) == [x EXCEPT !.until = f.b, !.mark = FenceMark(f)]
KeepsPause == "user-pause" \notin Without
Opened(x, b) == [x EXCEPT !.until = 0, !.from = b, !.mark = NoMark, !.paused = @ /\ KeepsPause]
BeforeGivingUp(x) == [x EXCEPT !.paused = (x.mark.user # "running") /\ KeepsPause, !.mark = NoMark]
UserState(x) == IF x.paused THEN "paused" ELSE "running"

IsStandby(x) == x.mark.kind = "standby"
IsOpen(x, n) == ~x.paused /\ n >= x.from /\ (x.until = 0 \/ n < x.until)

(***************************************************************************)
(* Situations (src/schedules/pair.ts), `f` is the fence that was read      *)
(***************************************************************************)
Owed(f) == IF f.next = 0 THEN f.b ELSE Min({f.b, f.next})
NoFence == [b |-> 0, next |-> 0, hash |-> 0]
FenceOf(x) ==
  IF x.mark.kind = "fence"
    THEN [b |-> IF x.until # 0 THEN x.until ELSE x.mark.b, next |-> x.mark.next, hash |-> x.mark.hash]
  ELSE IF x.mark.kind = "none" /\ x.until # 0 THEN [NoFence EXCEPT !.b = x.until]
  ELSE NoFence

Situation(s, t) ==
  LET is(kind, f) == [kind |-> kind, f |-> f] IN
  IF IsStandby(s) THEN
    IF IsStandby(t) THEN
      IF (IF s.mark.b >= t.mark.b THEN s ELSE t).mark.user = "-" THEN is("foreign", NoFence)
      ELSE is("given-up", [NoFence EXCEPT !.b = Max({s.mark.b, t.mark.b})])
    ELSE IF FenceOf(t).b # 0 THEN is("reversed-shut", FenceOf(t))
    ELSE is("handed-over", [NoFence EXCEPT !.b = IF t.from # 0 THEN t.from ELSE s.mark.b])
  ELSE IF FenceOf(s).b # 0 THEN
    IF ~IsStandby(t) THEN is("opened", FenceOf(s))
    ELSE IF s.until # 0 THEN is("fenced", FenceOf(s)) ELSE is("ready", NoFence)
  ELSE IF IsStandby(t) THEN is("ready", NoFence)
  ELSE IF FenceOf(t).b # 0 THEN is("reversed-open", FenceOf(t))
  ELSE IF t.from # 0 THEN is("opened", [NoFence EXCEPT !.b = t.from])
  ELSE is("foreign", NoFence)

\* From when on the side that runs is unproven, read off the side that rests (handover.ts, reminder).
Reminder(kind, s, t) ==
  IF kind = "ready" THEN t.mark.settle
  ELSE IF kind = "handed-over" /\ IsStandby(s) THEN s.mark.settle ELSE 0

Keeper(s, t) == IF s.mark.b >= t.mark.b THEN s ELSE t
Untouched == [paused |-> FALSE, from |-> 0, until |-> 0, content |-> 0, mark |-> NoMark]
Copy == Standby(Untouched, Resting(0, "-", 0))
NoWrite == [to |-> "A", value |-> Untouched, sent |-> FALSE]

(* --algorithm Handover {
variables
  \* --- the clusters ---
  engine \in [Side -> Engines],
  now = 1,
  cl = [c \in Side |-> IF c = "A" THEN Untouched ELSE Copy],
  stamp = [c \in Side |-> 0],   \* server's own stamp of the last UpdateSchedule
  due = [c \in Side |-> FALSE], \* the nominal time due now is still to be generated
  water = [c \in Side |-> 0],   \* with jitter: nominal times up to here are not generated any more
  ran = [c \in Side |-> {}],
  net = {},                     \* writes under way: requests and, on V1, queued signals; any may be late, or never come
  \* --- what people want ---
  goal = "B", crashes = Crashes, flips = Flips, busy = Busy, pauses = Pauses, edits = Edits, strips = Strips,
  \* --- what the properties compare with; an attempt never reads these ---
  wantsPause = FALSE,           \* the user's last word
  latest = 0,                   \* the user's last edit
  twice = {},                   \* nominal times that ran a second time on one cluster
  excused = {},                 \* nominal times the user kept from running
  \* --- the memory of the attempt: gone when it is cut off ---
  src = "A",                                          \* it moves from src to Other(src)
  snap = [c \in Side |-> Untouched],                  \* the two sides as last read,
  fresh = [c \in Side |-> FALSE],                     \*   whether the token read then is still the newest,
  seen = [c \in Side |-> 0],                          \*   and the stamp read then
  s = "A",                                            \* the side that gives in the step under way
  f = NoFence, tries = 0,                             \* the fence in hand
  w = NoWrite, back = "-",                            \* the write waited for, and what comes after it
  on = "A", lo = 0, hi = 0, all = FALSE, ask = FALSE, \* what is settled: the side, the range, up to its end, asking there
  at = 0, after = "-";

define {
  t == Other(s)
  Past(b) == now >= b \/ now = End
  ClockOf(c) == now - Behind(c)
  DueNow(c) == ClockOf(c) - Offset(c)
  \* Will run by itself: ahead, or due and not generated yet.
  WillRun(c, n) ==
    /\ n \in Noms /\ IsOpen(cl[c], n)
    /\ \/ n > DueNow(c) /\ n > water[c]
       \/ n = DueNow(c) /\ due[c]
  Unrun(c) == {n \in Noms : n > DueNow(c) \/ (n = DueNow(c) /\ due[c])}
  \* Not by us: a pause of ours comes with the mark of a copy.
  UserPaused == \E c \in Side : cl[c].paused /\ ~IsStandby(cl[c])
  ToDo ==
    LET kind == Situation(cl[src], cl[Other(src)]).kind IN
    \/ kind # "handed-over"
    \/ Reminder(kind, cl[src], cl[Other(src)]) # 0
    \/ cl[Other(src)].from # 0 /\ Past(cl[Other(src)].from + Widest + Behind(Other(src)))
  Started == ran["A"] \cup ran["B"]
  \* Steps that look at nothing but the attempt's own memory: nobody can tell when they are taken, so nobody moves between.
  Moves == pc["attempt"] \notin {"Stamped", "GivenBack", "SettleSource", "SettleTarget", "HandedOver"}
  \* In a configuration where users take our bound off, nobody is slow to look: what the protocol promises there rests on it.
  Looks(at_, back_) ==
    \/ at_ = "LastLook" /\ Past(f.b - 1)
    \/ at_ = "Written" /\ (back_ = "AtB" \/ (back_ = "LastLook" /\ [to |-> w.to, value |-> w.value] \notin net))
}

\* -------------------------------------------------------------- the servers
macro runDue(c) {
  if (DueNow(c) \in ran[c]) twice := twice \cup {DueNow(c)};
  ran[c] := ran[c] \cup {DueNow(c)};
}

(* A write takes effect. V1 first runs what is due under the old spec, V2 drops it. Who holds an older token has lost: *)
(* its writes under way are as good as gone. What a user's own write keeps from running is the user's doing.           *)
macro apply(c, value, updates, message, byUser) {
  if (due[c] /\ engine[c] = "v1") { runDue(c); };
  if (byUser) {
    excused := excused \cup {n \in Noms \ Started : n <= now /\ (UserPaused \/ wantsPause \/ updates \/ (engine[c] = "v2" /\ WillRun(c, n)))};
  };
  due[c] := FALSE;
  \* V2 goes on from the write; V1 from the last time it ran, or, where it was paused, from the write.
  if (Offset(c) > 0 /\ (engine[c] = "v2" \/ cl[c].paused)) { water[c] := ClockOf(c); };
  cl[c] := value;
  if (updates) { stamp[c] := ClockOf(c); };
  if ("token" \in Without) { net := net \ message; } else { net := {m \in net : m.to # c}; };
  fresh[c] := FALSE;
}

\* -------------------------------------------------------------- the attempt
macro forget() {
  snap := [c \in Side |-> Untouched]; fresh := [c \in Side |-> FALSE]; seen := [c \in Side |-> 0];
  s := "A"; f := NoFence; tries := 0; w := NoWrite; back := "-";
  on := "A"; lo := 0; hi := 0; all := FALSE; ask := FALSE; at := 0; after := "-";
}

(* The attempt is cut off, and somebody starts another. Its writes stay under way. *)
macro cutOff() {
  await crashes > 0;
  crashes := crashes - 1;
  forget();
  goto Begin;
}

macro again() { forget(); goto Round; }

macro read(c) {
  snap[c] := cl[c] || fresh[c] := TRUE || seen[c] := stamp[c];
}

(* src/schedules/change.ts. With a token known to be old it is refused, or dropped without a word: nothing to deliver. *)
macro write(c, value_, always, next_) {
  w := [to |-> c, value |-> value_, sent |-> always \/ value_ # snap[c]];
  if ((always \/ value_ # snap[c]) /\ (fresh[c] \/ "token" \in Without)) {
    net := net \cup {[to |-> c, value |-> value_]};
  };
  back := next_;
  goto Written;
}

macro settle(side, from_, to_, everything, asking, next_) {
  on := side; lo := from_; hi := to_; all := everything; ask := asking; after := next_;
  goto Settle;
}

fair process (Attempt = "attempt") {
Begin:
  await "resume" \notin Without \/ crashes = Crashes;
  src := Other(goal);

Round: \* takeStep in handover.ts. The two reads are two requests, in any order.
  either { cutOff(); }
  or with (side \in Side) { on := side; snap[side] := cl[side]; fresh[side] := TRUE; seen[side] := stamp[side]; };

Look:
  either { cutOff(); }
  or with (side = Other(on), two = [snap EXCEPT ![side] = cl[side]], sit = Situation(two[src], two[Other(src)]),
           owed = Reminder(sit.kind, two[src], two[Other(src)])) {
    if (sit.kind = "handed-over" /\ owed = 0 /\ (two[Other(src)].from = 0 \/ (Widest > 0 /\ ~Past(sit.f.b + Widest + Behind(Other(src)))))) {
      forget();
      goto Finished;
    } else {
      snap := two; fresh[side] := TRUE; seen[side] := stamp[side]; on := "A";
      f := sit.f;
      if (owed # 0) {
        s := IF sit.kind = "ready" THEN Other(src) ELSE src;
        lo := owed;
        goto Prove;
      } else if (sit.kind = "foreign") { goto Foreign; }
      else if (sit.kind = "reversed-open") { s := Other(src); goto LastLook; }
      else if (sit.kind = "reversed-shut") { s := Other(src); goto Disarm; }
      else {
        s := src;
        if (sit.kind = "ready") { goto Cross; }
        else if (sit.kind = "fenced") { goto Reshut; }
        else if (sit.kind = "given-up") { goto TakeOver; }
        else { goto LastLook; };
      };
    };
  };

Cross: \* cross in handover.ts
  either { cutOff(); }
  or {
    await Past(snap[s].from + Widest + Behind(s)) \/ snap[s].from = 0; \* else it is refused (bound-ahead) until then
    if (snap[s].content # snap[t].content) {
      write(t, Standby([snap[t] EXCEPT !.content = snap[s].content], Resting(0, "-", 0)), FALSE, "Round");
    } else {
      either {
        \* Quiet. How far off the next time must be is a matter of punctuality: here it need only lie ahead.
        await snap[s].paused \/ \A n \in Unrun(s) : n > now;
        lo := now;
        at := Min(Unrun(s) \cup {End + 1}) + Offset(s) - Widest;
        write(s, Standby(OwnerAsUserWrote(snap[s], snap[t]),
                         Resting(Max({now, snap[t].mark.b + 1}), UserState(snap[s]),
                                 IF "quiet-owes" \in Without THEN 0 ELSE now)), FALSE, "QuietOpen");
      } or {
        await ~snap[s].paused /\ Unrun(s) # {};
        if ("source-first" \in Without) {
          f := [b |-> now + Lead, next |-> now, hash |-> snap[s].content];
          write(t, Opened(snap[s], now + Lead), FALSE, "LateFence");
        } else { goto BuildFence; };
      };
    };
  };

\* ---- quiet crossing: the source has given up
QuietOpen:
  either { cutOff(); }
  or {
    await "clocks" \in Without \/ Past(lo + Behind(t)); \* what has run on s must not be ahead on t
    if (now >= at) { again(); }
    else { write(t, BeforeGivingUp(snap[s]), FALSE, "Prove"); };
  };

\* ---- both rest
TakeOver: \* takeOver in handover.ts
  either { cutOff(); }
  or {
    lo := f.b;
    write(s, Standby(snap[s], IF snap[s].mark.b >= snap[t].mark.b THEN [snap[s].mark EXCEPT !.settle = f.b]
                                                                ELSE Resting(0, "-", f.b)), TRUE, "TakeOverOpen");
  };

TakeOverOpen:
  either { cutOff(); }
  or {
    \* It may have given up later than it meant to, and run a time in between.
    await "clocks" \in Without \/ Past(Max({f.b, IF "landing" \in Without THEN f.b ELSE seen[s]}) + Behind(t));
    write(t, BeforeGivingUp(Keeper(snap[s], snap[t])), FALSE, "Prove");
  };

\* ---- the fence
Reshut: \* an opening at the old boundary may be under way: it must not meet a later one on the source
  either { cutOff(); }
  or if ("reshut" \in Without) { goto BuildFence; }
  else { write(t, Standby(snap[t], Resting(0, "-", IF "reshut-owes" \in Without THEN 0 ELSE Owed(f))), TRUE, "BuildFence"); };

BuildFence: \* fence.ts
  either { cutOff(); }
  or with (next = IF f.b # 0 THEN (IF f.next # 0 THEN f.next ELSE f.b)
                  \* V2 does not list a time that has passed with its jitter ahead: everything due from now on is looked at.
                  ELSE Min({n \in Unrun(s) : engine[s] = "v2" \/ n > water[s]} \cup {End + 1}),
           b = Max({now + Lead * (tries + 1), Max({snap[t].mark.b, f.b}) + 1}),
           fence = [b |-> b, next |-> next, hash |-> snap[s].content]) {
    f := fence;
    if ("read-back" \in Without) {
      \* Acknowledged, so taken as applied.
      net := net \cup (IF fresh[s] THEN {[to |-> s, value |-> Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence)]} ELSE {});
      goto OpenTarget;
    } else { write(s, Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence), FALSE, "Stamped"); };
  };

Stamped:
  if (seen[s] >= f.b /\ "stamp" \notin Without) {
    if (tries = 0) { tries := 1; goto BuildFence; } else { goto Disarm; };
  } else if (engine[s] = "v2") {
    settle(s, f.next, Min({seen[s] + Widest, f.b - 1}), FALSE, "source-asks" \notin Without, "OpenTarget");
  } else { goto OpenTarget; };

OpenTarget:
  either { cutOff(); }
  or { await busy > 0; busy := busy - 1; goto Disarm; }
  or { write(t, Opened(snap[s], f.b), FALSE, "LastLook"); };

LateFence: \* a mutant's: the source is fenced second
  either { cutOff(); }
  or { write(s, Fenced(snap[s], f), FALSE, "LastLook"); };

\* ---- disarm
Disarm: \* fence.ts; the target first, though it is shut
  either { cutOff(); }
  or {
    lo := Owed(f);
    if ("disarm-bump" \in Without) { goto Unfence; }
    else { write(t, Standby(snap[t], Resting(0, "-", Owed(f))), TRUE, "Unfence"); };
  };

Unfence:
  either { cutOff(); }
  or { write(s, AsUserWrote(snap[s], snap[s].from, snap[t].until), FALSE, "GivenBack"); };

GivenBack:
  s := t;

Prove: \* proveOwner: t runs, s rests
  either { cutOff(); }
  or { settle(t, lo, seen[t] + Widest, FALSE, TRUE, "Proven"); };

Proven:
  either { cutOff(); }
  or if (IsStandby(snap[s])) { write(s, Standby(snap[s], [snap[s].mark EXCEPT !.settle = 0]), FALSE, "Round"); }
  else { again(); };

\* ---- finish.ts
LastLook:
  either { cutOff(); }
  or {
    await Past(f.b - 1);
    read(s);
    if (~IsStandby(snap[s]) /\ snap[s].until = 0 /\ "last-look" \notin Without) {
      write(s, Fenced(snap[s], f), FALSE, "AtB");
    } else { goto AtB; };
  };

AtB:
  either { cutOff(); }
  or {
    await Past(f.b);
    read(s);
    if (IsStandby(snap[s])) { goto Tidy; }
    else if (snap[s].until = 0 /\ "last-look" \notin Without) { write(s, Fenced(snap[s], f), FALSE, "SettleSource"); }
    else { goto SettleSource; };
  };

SettleSource:
  settle(s, IF f.next # 0 THEN f.next ELSE f.b, f.b - 1, TRUE, "source-asks" \notin Without, "Tidy");

Tidy: \* the bound comes off where nothing before it can still be due on t; with a long jitter that is left to the bake
  either { cutOff(); }
  or { await Widest > 0; read(t); lo := End; goto SettleTarget; }
  or {
    await Past(f.b + (IF "jitter" \in Without THEN 0 ELSE Offset(t) + Behind(t)));
    read(t);
    lo := stamp[t];
    with (resting = IsStandby(snap[s]),
          here = ~resting /\ snap[s].content # f.hash, there = snap[t].content # f.hash,
          differ = snap[s].content # snap[t].content) {
      if (differ /\ ~resting /\ (f.next = 0 \/ (here /\ there))) { goto Refused; }
      else {
        write(t, [AsUserWrote(IF here THEN [snap[t] EXCEPT !.content = snap[s].content] ELSE snap[t], snap[s].from, snap[t].until)
                    EXCEPT !.paused = @ \/ (KeepsPause /\ ~resting /\ snap[s].paused)], FALSE, "SettleTarget");
      };
    };
  };

SettleTarget:
  if (snap[s].content # snap[t].content) {
    \* Edited there since: what the edit left out was never meant to run. What our own write dropped after it was.
    if ("edit-settle" \in Without) { lo := 0; goto Retire; }
    else { settle(t, lo, seen[t] + Widest, FALSE, TRUE, "Retire"); };
  }
  else { settle(t, f.b, seen[t] + Widest, FALSE, TRUE, "Retire"); };

Retire:
  either { cutOff(); }
  or if (IsStandby(snap[s])) { goto HandedOver; }
  else {
    write(s, Standby(AsUserWrote(snap[s], snap[s].from, snap[t].until), Resting(f.b, UserState(snap[t]), 0)), FALSE, "HandedOver");
  };

HandedOver:
  if (s = src) { forget(); goto Finished; } else { again(); };

\* ---- settle.ts: what did not run and will not by itself is started by its id, unless its user paused the schedule
Settle:
  either { cutOff(); }
  or with (range = {n \in Noms : lo <= n /\ n <= hi},
           elsewhere = IF ask /\ "ask" \notin Without THEN ran[Other(on)] ELSE {},
           missing = IF cl[on].paused THEN {}
                     ELSE {n \in range \ (ran[on] \cup elsewhere) : ~WillRun(on, n)},
           pending = {n \in range : WillRun(on, n) /\ (all \/ n = DueNow(on))}) {
    if (missing # {} /\ "settle" \notin Without) { at := Min(missing); goto Fill; }
    else {
      await pending = {} \/ "settle" \in Without;
      with (next = after) {
        at := 0; on := "A"; lo := 0; hi := 0; all := FALSE; ask := FALSE; after := "-";
        if (next = "OpenTarget") { goto OpenTarget; } else if (next = "Proven") { goto Proven; }
        else if (next = "Tidy") { goto Tidy; } else { goto Retire; };
      };
    };
  };

Fill: \* REJECT_DUPLICATE
  either { cutOff(); }
  or { ran[on] := ran[on] \cup {at}; at := 0; goto Settle; };

\* ---- change.ts: the schedule itself says what became of a write
Written:
  either { cutOff(); }
  or {
    await ~w.sent \/ [to |-> w.to, value |-> w.value] \notin net;
    if (back = "Round" \/ (w.sent /\ cl[w.to] # w.value)) { again(); }
    else with (next = back) {
      if (w.sent) { read(w.to); };
      w := NoWrite; back := "-";
      if (next = "QuietOpen") { goto QuietOpen; }
      else if (next = "TakeOverOpen") { goto TakeOverOpen; }
      else if (next = "Prove") { goto Prove; }
      else if (next = "BuildFence") { goto BuildFence; }
      else if (next = "Stamped") { goto Stamped; }
      else if (next = "LastLook") { goto LastLook; }
      else if (next = "LateFence") { goto LateFence; }
      else if (next = "Unfence") { goto Unfence; }
      else if (next = "GivenBack") { goto GivenBack; }
      else if (next = "AtB") { goto AtB; }
      else if (next = "SettleSource") { goto SettleSource; }
      else if (next = "SettleTarget") { goto SettleTarget; }
      else { goto HandedOver; };
    };
  };

Finished: \* turned round; or the bake, or a second pass, sees something left to do, or come up since
  await goal = src \/ ("second-look" \notin Without /\ ToDo);
  goto Begin;

Refused: await FALSE;
Foreign: await FALSE;
}

fair process (Network = "network") {
Deliver:
  while (TRUE) { await Moves; with (message \in net) { apply(message.to, message.value, TRUE, {message}, FALSE); }; };
}

fair process (Scheduler \in Side) {
Generate:
  while (TRUE) { await Moves /\ due[self]; runDue(self); due[self] := FALSE; };
}

fair process (Clock = "clock") {
Tick:
  while (TRUE) {
    await Moves /\ now < End /\ ~due["A"] /\ ~due["B"] /\ (Strips = 0 \/ ~Looks(pc["attempt"], back));
    with (next = now + 1, dues = [c \in Side |-> next - Behind(c) - Offset(c)]) {
      now := next;
      due := [c \in Side |-> /\ dues[c] \in Noms /\ IsOpen(cl[c], dues[c])
                            /\ dues[c] > water[c]];
      if (wantsPause \/ UserPaused) { excused := excused \cup ({next} \cap Noms); };
    };
  };
}

process (Operator = "operator") {
Turn:
  while (TRUE) { await Moves /\ flips > 0; flips := flips - 1; goal := Other(goal); };
}

(* Edits what is not marked as a copy: the owner, or both sides while both are open. *)
process (User = "user") {
Act:
  while (TRUE) {
    await Moves;
    with (c \in {x \in Side : ~IsStandby(cl[x])}) {
      either { \* in the Web UI, or pauseOnFailure: the note is overwritten; no token is asked, no stamp is left
        await pauses > 0;
        pauses := pauses - 1;
        wantsPause := ~cl[c].paused;
        apply(c, [cl[c] EXCEPT !.paused = ~@, !.mark = NoMark], FALSE, {}, TRUE);
      } or {
        await edits > 0;
        edits := edits - 1;
        latest := latest + 1;
        apply(c, [cl[c] EXCEPT !.content = latest], TRUE, {}, TRUE);
      } or {
        await strips > 0 /\ cl[c].until # 0 /\ now < cl[c].until - 1;
        strips := strips - 1;
        apply(c, [cl[c] EXCEPT !.until = 0], TRUE, {}, TRUE);
      };
    };
  };
}
}
*)

\* BEGIN TRANSLATION
VARIABLES engine, now, cl, stamp, due, water, ran, net, goal, crashes, flips, 
          busy, pauses, edits, strips, wantsPause, latest, twice, excused, 
          src, snap, fresh, seen, s, f, tries, w, back, on, lo, hi, all, ask, 
          at, after, pc

(* define statement *)
t == Other(s)
Past(b) == now >= b \/ now = End
ClockOf(c) == now - Behind(c)
DueNow(c) == ClockOf(c) - Offset(c)

WillRun(c, n) ==
  /\ n \in Noms /\ IsOpen(cl[c], n)
  /\ \/ n > DueNow(c) /\ n > water[c]
     \/ n = DueNow(c) /\ due[c]
Unrun(c) == {n \in Noms : n > DueNow(c) \/ (n = DueNow(c) /\ due[c])}

UserPaused == \E c \in Side : cl[c].paused /\ ~IsStandby(cl[c])
ToDo ==
  LET kind == Situation(cl[src], cl[Other(src)]).kind IN
  \/ kind # "handed-over"
  \/ Reminder(kind, cl[src], cl[Other(src)]) # 0
  \/ cl[Other(src)].from # 0 /\ Past(cl[Other(src)].from + Widest + Behind(Other(src)))
Started == ran["A"] \cup ran["B"]

Moves == pc["attempt"] \notin {"Stamped", "GivenBack", "SettleSource", "SettleTarget", "HandedOver"}

Looks(at_, back_) ==
  \/ at_ = "LastLook" /\ Past(f.b - 1)
  \/ at_ = "Written" /\ (back_ = "AtB" \/ (back_ = "LastLook" /\ [to |-> w.to, value |-> w.value] \notin net))


vars == << engine, now, cl, stamp, due, water, ran, net, goal, crashes, flips, 
           busy, pauses, edits, strips, wantsPause, latest, twice, excused, 
           src, snap, fresh, seen, s, f, tries, w, back, on, lo, hi, all, ask, 
           at, after, pc >>

ProcSet == {"attempt"} \cup {"network"} \cup (Side) \cup {"clock"} \cup {"operator"} \cup {"user"}

Init == (* Global variables *)
        /\ engine \in [Side -> Engines]
        /\ now = 1
        /\ cl = [c \in Side |-> IF c = "A" THEN Untouched ELSE Copy]
        /\ stamp = [c \in Side |-> 0]
        /\ due = [c \in Side |-> FALSE]
        /\ water = [c \in Side |-> 0]
        /\ ran = [c \in Side |-> {}]
        /\ net = {}
        /\ goal = "B"
        /\ crashes = Crashes
        /\ flips = Flips
        /\ busy = Busy
        /\ pauses = Pauses
        /\ edits = Edits
        /\ strips = Strips
        /\ wantsPause = FALSE
        /\ latest = 0
        /\ twice = {}
        /\ excused = {}
        /\ src = "A"
        /\ snap = [c \in Side |-> Untouched]
        /\ fresh = [c \in Side |-> FALSE]
        /\ seen = [c \in Side |-> 0]
        /\ s = "A"
        /\ f = NoFence
        /\ tries = 0
        /\ w = NoWrite
        /\ back = "-"
        /\ on = "A"
        /\ lo = 0
        /\ hi = 0
        /\ all = FALSE
        /\ ask = FALSE
        /\ at = 0
        /\ after = "-"
        /\ pc = [self \in ProcSet |-> CASE self = "attempt" -> "Begin"
                                        [] self = "network" -> "Deliver"
                                        [] self \in Side -> "Generate"
                                        [] self = "clock" -> "Tick"
                                        [] self = "operator" -> "Turn"
                                        [] self = "user" -> "Act"]

Begin == /\ pc["attempt"] = "Begin"
         /\ "resume" \notin Without \/ crashes = Crashes
         /\ src' = Other(goal)
         /\ pc' = [pc EXCEPT !["attempt"] = "Round"]
         /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                         crashes, flips, busy, pauses, edits, strips, 
                         wantsPause, latest, twice, excused, snap, fresh, seen, 
                         s, f, tries, w, back, on, lo, hi, all, ask, at, after >>

Round == /\ pc["attempt"] = "Round"
         /\ \/ /\ crashes > 0
               /\ crashes' = crashes - 1
               /\ snap' = [c \in Side |-> Untouched]
               /\ fresh' = [c \in Side |-> FALSE]
               /\ seen' = [c \in Side |-> 0]
               /\ s' = "A"
               /\ f' = NoFence
               /\ tries' = 0
               /\ w' = NoWrite
               /\ back' = "-"
               /\ on' = "A"
               /\ lo' = 0
               /\ hi' = 0
               /\ all' = FALSE
               /\ ask' = FALSE
               /\ at' = 0
               /\ after' = "-"
               /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
            \/ /\ \E side \in Side:
                    /\ on' = side
                    /\ snap' = [snap EXCEPT ![side] = cl[side]]
                    /\ fresh' = [fresh EXCEPT ![side] = TRUE]
                    /\ seen' = [seen EXCEPT ![side] = stamp[side]]
               /\ pc' = [pc EXCEPT !["attempt"] = "Look"]
               /\ UNCHANGED <<crashes, s, f, tries, w, back, lo, hi, all, ask, at, after>>
         /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                         flips, busy, pauses, edits, strips, wantsPause, 
                         latest, twice, excused, src >>

Look == /\ pc["attempt"] = "Look"
        /\ \/ /\ crashes > 0
              /\ crashes' = crashes - 1
              /\ snap' = [c \in Side |-> Untouched]
              /\ fresh' = [c \in Side |-> FALSE]
              /\ seen' = [c \in Side |-> 0]
              /\ s' = "A"
              /\ f' = NoFence
              /\ tries' = 0
              /\ w' = NoWrite
              /\ back' = "-"
              /\ on' = "A"
              /\ lo' = 0
              /\ hi' = 0
              /\ all' = FALSE
              /\ ask' = FALSE
              /\ at' = 0
              /\ after' = "-"
              /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
           \/ /\ LET side == Other(on) IN
                   LET two == [snap EXCEPT ![side] = cl[side]] IN
                     LET sit == Situation(two[src], two[Other(src)]) IN
                       LET owed == Reminder(sit.kind, two[src], two[Other(src)]) IN
                         IF sit.kind = "handed-over" /\ owed = 0 /\ (two[Other(src)].from = 0 \/ (Widest > 0 /\ ~Past(sit.f.b + Widest + Behind(Other(src)))))
                            THEN /\ snap' = [c \in Side |-> Untouched]
                                 /\ fresh' = [c \in Side |-> FALSE]
                                 /\ seen' = [c \in Side |-> 0]
                                 /\ s' = "A"
                                 /\ f' = NoFence
                                 /\ tries' = 0
                                 /\ w' = NoWrite
                                 /\ back' = "-"
                                 /\ on' = "A"
                                 /\ lo' = 0
                                 /\ hi' = 0
                                 /\ all' = FALSE
                                 /\ ask' = FALSE
                                 /\ at' = 0
                                 /\ after' = "-"
                                 /\ pc' = [pc EXCEPT !["attempt"] = "Finished"]
                            ELSE /\ snap' = two
                                 /\ fresh' = [fresh EXCEPT ![side] = TRUE]
                                 /\ seen' = [seen EXCEPT ![side] = stamp[side]]
                                 /\ on' = "A"
                                 /\ f' = sit.f
                                 /\ IF owed # 0
                                       THEN /\ s' = (IF sit.kind = "ready" THEN Other(src) ELSE src)
                                            /\ lo' = owed
                                            /\ pc' = [pc EXCEPT !["attempt"] = "Prove"]
                                       ELSE /\ IF sit.kind = "foreign"
                                                  THEN /\ pc' = [pc EXCEPT !["attempt"] = "Foreign"]
                                                       /\ s' = s
                                                  ELSE /\ IF sit.kind = "reversed-open"
                                                             THEN /\ s' = Other(src)
                                                                  /\ pc' = [pc EXCEPT !["attempt"] = "LastLook"]
                                                             ELSE /\ IF sit.kind = "reversed-shut"
                                                                        THEN /\ s' = Other(src)
                                                                             /\ pc' = [pc EXCEPT !["attempt"] = "Disarm"]
                                                                        ELSE /\ s' = src
                                                                             /\ IF sit.kind = "ready"
                                                                                   THEN /\ pc' = [pc EXCEPT !["attempt"] = "Cross"]
                                                                                   ELSE /\ IF sit.kind = "fenced"
                                                                                              THEN /\ pc' = [pc EXCEPT !["attempt"] = "Reshut"]
                                                                                              ELSE /\ IF sit.kind = "given-up"
                                                                                                         THEN /\ pc' = [pc EXCEPT !["attempt"] = "TakeOver"]
                                                                                                         ELSE /\ pc' = [pc EXCEPT !["attempt"] = "LastLook"]
                                            /\ lo' = lo
                                 /\ UNCHANGED << tries, w, back, hi, all, ask, 
                                                 at, after >>
              /\ UNCHANGED crashes
        /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                        flips, busy, pauses, edits, strips, wantsPause, latest, 
                        twice, excused, src >>

Cross == /\ pc["attempt"] = "Cross"
         /\ \/ /\ crashes > 0
               /\ crashes' = crashes - 1
               /\ snap' = [c \in Side |-> Untouched]
               /\ fresh' = [c \in Side |-> FALSE]
               /\ seen' = [c \in Side |-> 0]
               /\ s' = "A"
               /\ f' = NoFence
               /\ tries' = 0
               /\ w' = NoWrite
               /\ back' = "-"
               /\ on' = "A"
               /\ lo' = 0
               /\ hi' = 0
               /\ all' = FALSE
               /\ ask' = FALSE
               /\ at' = 0
               /\ after' = "-"
               /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
               /\ net' = net
            \/ /\ Past(snap[s].from + Widest + Behind(s)) \/ snap[s].from = 0
               /\ IF snap[s].content # snap[t].content
                     THEN /\ w' = [to |-> t, value |-> (Standby([snap[t] EXCEPT !.content = snap[s].content], Resting(0, "-", 0))), sent |-> FALSE \/ (Standby([snap[t] EXCEPT !.content = snap[s].content], Resting(0, "-", 0))) # snap[t]]
                          /\ IF (FALSE \/ (Standby([snap[t] EXCEPT !.content = snap[s].content], Resting(0, "-", 0))) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                                THEN /\ net' = (net \cup {[to |-> t, value |-> (Standby([snap[t] EXCEPT !.content = snap[s].content], Resting(0, "-", 0)))]})
                                ELSE /\ TRUE
                                     /\ net' = net
                          /\ back' = "Round"
                          /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                          /\ UNCHANGED << f, lo, at >>
                     ELSE /\ \/ /\ snap[s].paused \/ \A n \in Unrun(s) : n > now
                                /\ lo' = now
                                /\ at' = Min(Unrun(s) \cup {End + 1}) + Offset(s) - Widest
                                /\ w' = [to |-> s, value |-> (Standby(OwnerAsUserWrote(snap[s], snap[t]),
                                                                      Resting(Max({now, snap[t].mark.b + 1}), UserState(snap[s]),
                                                                              IF "quiet-owes" \in Without THEN 0 ELSE now))), sent |-> FALSE \/ (Standby(OwnerAsUserWrote(snap[s], snap[t]),
                                                                                                                                                         Resting(Max({now, snap[t].mark.b + 1}), UserState(snap[s]),
                                                                                                                                                                 IF "quiet-owes" \in Without THEN 0 ELSE now))) # snap[s]]
                                /\ IF (FALSE \/ (Standby(OwnerAsUserWrote(snap[s], snap[t]),
                                                         Resting(Max({now, snap[t].mark.b + 1}), UserState(snap[s]),
                                                                 IF "quiet-owes" \in Without THEN 0 ELSE now))) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                                      THEN /\ net' = (net \cup {[to |-> s, value |-> (Standby(OwnerAsUserWrote(snap[s], snap[t]),
                                                                                              Resting(Max({now, snap[t].mark.b + 1}), UserState(snap[s]),
                                                                                                      IF "quiet-owes" \in Without THEN 0 ELSE now)))]})
                                      ELSE /\ TRUE
                                           /\ net' = net
                                /\ back' = "QuietOpen"
                                /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                                /\ f' = f
                             \/ /\ ~snap[s].paused /\ Unrun(s) # {}
                                /\ IF "source-first" \in Without
                                      THEN /\ f' = [b |-> now + Lead, next |-> now, hash |-> snap[s].content]
                                           /\ w' = [to |-> t, value |-> (Opened(snap[s], now + Lead)), sent |-> FALSE \/ (Opened(snap[s], now + Lead)) # snap[t]]
                                           /\ IF (FALSE \/ (Opened(snap[s], now + Lead)) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                                                 THEN /\ net' = (net \cup {[to |-> t, value |-> (Opened(snap[s], now + Lead))]})
                                                 ELSE /\ TRUE
                                                      /\ net' = net
                                           /\ back' = "LateFence"
                                           /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                                      ELSE /\ pc' = [pc EXCEPT !["attempt"] = "BuildFence"]
                                           /\ UNCHANGED << net, f, w, back >>
                                /\ UNCHANGED <<lo, at>>
               /\ UNCHANGED <<crashes, snap, fresh, seen, s, tries, on, hi, all, ask, after>>
         /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                         busy, pauses, edits, strips, wantsPause, latest, 
                         twice, excused, src >>

QuietOpen == /\ pc["attempt"] = "QuietOpen"
             /\ \/ /\ crashes > 0
                   /\ crashes' = crashes - 1
                   /\ snap' = [c \in Side |-> Untouched]
                   /\ fresh' = [c \in Side |-> FALSE]
                   /\ seen' = [c \in Side |-> 0]
                   /\ s' = "A"
                   /\ f' = NoFence
                   /\ tries' = 0
                   /\ w' = NoWrite
                   /\ back' = "-"
                   /\ on' = "A"
                   /\ lo' = 0
                   /\ hi' = 0
                   /\ all' = FALSE
                   /\ ask' = FALSE
                   /\ at' = 0
                   /\ after' = "-"
                   /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                   /\ net' = net
                \/ /\ "clocks" \in Without \/ Past(lo + Behind(t))
                   /\ IF now >= at
                         THEN /\ snap' = [c \in Side |-> Untouched]
                              /\ fresh' = [c \in Side |-> FALSE]
                              /\ seen' = [c \in Side |-> 0]
                              /\ s' = "A"
                              /\ f' = NoFence
                              /\ tries' = 0
                              /\ w' = NoWrite
                              /\ back' = "-"
                              /\ on' = "A"
                              /\ lo' = 0
                              /\ hi' = 0
                              /\ all' = FALSE
                              /\ ask' = FALSE
                              /\ at' = 0
                              /\ after' = "-"
                              /\ pc' = [pc EXCEPT !["attempt"] = "Round"]
                              /\ net' = net
                         ELSE /\ w' = [to |-> t, value |-> (BeforeGivingUp(snap[s])), sent |-> FALSE \/ (BeforeGivingUp(snap[s])) # snap[t]]
                              /\ IF (FALSE \/ (BeforeGivingUp(snap[s])) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                                    THEN /\ net' = (net \cup {[to |-> t, value |-> (BeforeGivingUp(snap[s]))]})
                                    ELSE /\ TRUE
                                         /\ net' = net
                              /\ back' = "Prove"
                              /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                              /\ UNCHANGED << snap, fresh, seen, s, f, tries, 
                                              on, lo, hi, all, ask, at, after >>
                   /\ UNCHANGED crashes
             /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                             flips, busy, pauses, edits, strips, wantsPause, 
                             latest, twice, excused, src >>

TakeOver == /\ pc["attempt"] = "TakeOver"
            /\ \/ /\ crashes > 0
                  /\ crashes' = crashes - 1
                  /\ snap' = [c \in Side |-> Untouched]
                  /\ fresh' = [c \in Side |-> FALSE]
                  /\ seen' = [c \in Side |-> 0]
                  /\ s' = "A"
                  /\ f' = NoFence
                  /\ tries' = 0
                  /\ w' = NoWrite
                  /\ back' = "-"
                  /\ on' = "A"
                  /\ lo' = 0
                  /\ hi' = 0
                  /\ all' = FALSE
                  /\ ask' = FALSE
                  /\ at' = 0
                  /\ after' = "-"
                  /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                  /\ net' = net
               \/ /\ lo' = f.b
                  /\ w' = [to |-> s, value |-> (Standby(snap[s], IF snap[s].mark.b >= snap[t].mark.b THEN [snap[s].mark EXCEPT !.settle = f.b]
                                                                                                   ELSE Resting(0, "-", f.b))), sent |-> TRUE \/ (Standby(snap[s], IF snap[s].mark.b >= snap[t].mark.b THEN [snap[s].mark EXCEPT !.settle = f.b]
                                                                                                                                                                                                     ELSE Resting(0, "-", f.b))) # snap[s]]
                  /\ IF (TRUE \/ (Standby(snap[s], IF snap[s].mark.b >= snap[t].mark.b THEN [snap[s].mark EXCEPT !.settle = f.b]
                                                                                     ELSE Resting(0, "-", f.b))) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                        THEN /\ net' = (net \cup {[to |-> s, value |-> (Standby(snap[s], IF snap[s].mark.b >= snap[t].mark.b THEN [snap[s].mark EXCEPT !.settle = f.b]
                                                                                                                           ELSE Resting(0, "-", f.b)))]})
                        ELSE /\ TRUE
                             /\ net' = net
                  /\ back' = "TakeOverOpen"
                  /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                  /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, hi, all, ask, at, after>>
            /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                            flips, busy, pauses, edits, strips, wantsPause, 
                            latest, twice, excused, src >>

TakeOverOpen == /\ pc["attempt"] = "TakeOverOpen"
                /\ \/ /\ crashes > 0
                      /\ crashes' = crashes - 1
                      /\ snap' = [c \in Side |-> Untouched]
                      /\ fresh' = [c \in Side |-> FALSE]
                      /\ seen' = [c \in Side |-> 0]
                      /\ s' = "A"
                      /\ f' = NoFence
                      /\ tries' = 0
                      /\ w' = NoWrite
                      /\ back' = "-"
                      /\ on' = "A"
                      /\ lo' = 0
                      /\ hi' = 0
                      /\ all' = FALSE
                      /\ ask' = FALSE
                      /\ at' = 0
                      /\ after' = "-"
                      /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                      /\ net' = net
                   \/ /\ "clocks" \in Without \/ Past(Max({f.b, IF "landing" \in Without THEN f.b ELSE seen[s]}) + Behind(t))
                      /\ w' = [to |-> t, value |-> (BeforeGivingUp(Keeper(snap[s], snap[t]))), sent |-> FALSE \/ (BeforeGivingUp(Keeper(snap[s], snap[t]))) # snap[t]]
                      /\ IF (FALSE \/ (BeforeGivingUp(Keeper(snap[s], snap[t]))) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                            THEN /\ net' = (net \cup {[to |-> t, value |-> (BeforeGivingUp(Keeper(snap[s], snap[t])))]})
                            ELSE /\ TRUE
                                 /\ net' = net
                      /\ back' = "Prove"
                      /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                      /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
                /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                                flips, busy, pauses, edits, strips, wantsPause, 
                                latest, twice, excused, src >>

Reshut == /\ pc["attempt"] = "Reshut"
          /\ \/ /\ crashes > 0
                /\ crashes' = crashes - 1
                /\ snap' = [c \in Side |-> Untouched]
                /\ fresh' = [c \in Side |-> FALSE]
                /\ seen' = [c \in Side |-> 0]
                /\ s' = "A"
                /\ f' = NoFence
                /\ tries' = 0
                /\ w' = NoWrite
                /\ back' = "-"
                /\ on' = "A"
                /\ lo' = 0
                /\ hi' = 0
                /\ all' = FALSE
                /\ ask' = FALSE
                /\ at' = 0
                /\ after' = "-"
                /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                /\ net' = net
             \/ /\ IF "reshut" \in Without
                      THEN /\ pc' = [pc EXCEPT !["attempt"] = "BuildFence"]
                           /\ UNCHANGED << net, w, back >>
                      ELSE /\ w' = [to |-> t, value |-> (Standby(snap[t], Resting(0, "-", IF "reshut-owes" \in Without THEN 0 ELSE Owed(f)))), sent |-> TRUE \/ (Standby(snap[t], Resting(0, "-", IF "reshut-owes" \in Without THEN 0 ELSE Owed(f)))) # snap[t]]
                           /\ IF (TRUE \/ (Standby(snap[t], Resting(0, "-", IF "reshut-owes" \in Without THEN 0 ELSE Owed(f)))) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                                 THEN /\ net' = (net \cup {[to |-> t, value |-> (Standby(snap[t], Resting(0, "-", IF "reshut-owes" \in Without THEN 0 ELSE Owed(f))))]})
                                 ELSE /\ TRUE
                                      /\ net' = net
                           /\ back' = "BuildFence"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
          /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                          busy, pauses, edits, strips, wantsPause, latest, 
                          twice, excused, src >>

BuildFence == /\ pc["attempt"] = "BuildFence"
              /\ \/ /\ crashes > 0
                    /\ crashes' = crashes - 1
                    /\ snap' = [c \in Side |-> Untouched]
                    /\ fresh' = [c \in Side |-> FALSE]
                    /\ seen' = [c \in Side |-> 0]
                    /\ s' = "A"
                    /\ f' = NoFence
                    /\ tries' = 0
                    /\ w' = NoWrite
                    /\ back' = "-"
                    /\ on' = "A"
                    /\ lo' = 0
                    /\ hi' = 0
                    /\ all' = FALSE
                    /\ ask' = FALSE
                    /\ at' = 0
                    /\ after' = "-"
                    /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                    /\ net' = net
                 \/ /\ LET next == IF f.b # 0 THEN (IF f.next # 0 THEN f.next ELSE f.b)
                                   
                                   ELSE Min({n \in Unrun(s) : engine[s] = "v2" \/ n > water[s]} \cup {End + 1}) IN
                         LET b == Max({now + Lead * (tries + 1), Max({snap[t].mark.b, f.b}) + 1}) IN
                           LET fence == [b |-> b, next |-> next, hash |-> snap[s].content] IN
                             /\ f' = fence
                             /\ IF "read-back" \in Without
                                   THEN /\ net' = (net \cup (IF fresh[s] THEN {[to |-> s, value |-> Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence)]} ELSE {}))
                                        /\ pc' = [pc EXCEPT !["attempt"] = "OpenTarget"]
                                        /\ UNCHANGED << w, back >>
                                   ELSE /\ w' = [to |-> s, value |-> (Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence)), sent |-> FALSE \/ (Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence)) # snap[s]]
                                        /\ IF (FALSE \/ (Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence)) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                                              THEN /\ net' = (net \cup {[to |-> s, value |-> (Fenced(OwnerAsUserWrote(snap[s], snap[t]), fence))]})
                                              ELSE /\ TRUE
                                                   /\ net' = net
                                        /\ back' = "Stamped"
                                        /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                    /\ UNCHANGED <<crashes, snap, fresh, seen, s, tries, on, lo, hi, all, ask, at, after>>
              /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                              flips, busy, pauses, edits, strips, wantsPause, 
                              latest, twice, excused, src >>

Stamped == /\ pc["attempt"] = "Stamped"
           /\ IF seen[s] >= f.b /\ "stamp" \notin Without
                 THEN /\ IF tries = 0
                            THEN /\ tries' = 1
                                 /\ pc' = [pc EXCEPT !["attempt"] = "BuildFence"]
                            ELSE /\ pc' = [pc EXCEPT !["attempt"] = "Disarm"]
                                 /\ tries' = tries
                      /\ UNCHANGED << on, lo, hi, all, ask, after >>
                 ELSE /\ IF engine[s] = "v2"
                            THEN /\ on' = s
                                 /\ lo' = f.next
                                 /\ hi' = Min({seen[s] + Widest, f.b - 1})
                                 /\ all' = FALSE
                                 /\ ask' = ("source-asks" \notin Without)
                                 /\ after' = "OpenTarget"
                                 /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
                            ELSE /\ pc' = [pc EXCEPT !["attempt"] = "OpenTarget"]
                                 /\ UNCHANGED << on, lo, hi, all, ask, after >>
                      /\ tries' = tries
           /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                           crashes, flips, busy, pauses, edits, strips, 
                           wantsPause, latest, twice, excused, src, snap, 
                           fresh, seen, s, f, w, back, at >>

OpenTarget == /\ pc["attempt"] = "OpenTarget"
              /\ \/ /\ crashes > 0
                    /\ crashes' = crashes - 1
                    /\ snap' = [c \in Side |-> Untouched]
                    /\ fresh' = [c \in Side |-> FALSE]
                    /\ seen' = [c \in Side |-> 0]
                    /\ s' = "A"
                    /\ f' = NoFence
                    /\ tries' = 0
                    /\ w' = NoWrite
                    /\ back' = "-"
                    /\ on' = "A"
                    /\ lo' = 0
                    /\ hi' = 0
                    /\ all' = FALSE
                    /\ ask' = FALSE
                    /\ at' = 0
                    /\ after' = "-"
                    /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                    /\ UNCHANGED <<net, busy>>
                 \/ /\ busy > 0
                    /\ busy' = busy - 1
                    /\ pc' = [pc EXCEPT !["attempt"] = "Disarm"]
                    /\ UNCHANGED <<net, crashes, snap, fresh, seen, s, f, tries, w, back, on, lo, hi, all, ask, at, after>>
                 \/ /\ w' = [to |-> t, value |-> (Opened(snap[s], f.b)), sent |-> FALSE \/ (Opened(snap[s], f.b)) # snap[t]]
                    /\ IF (FALSE \/ (Opened(snap[s], f.b)) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                          THEN /\ net' = (net \cup {[to |-> t, value |-> (Opened(snap[s], f.b))]})
                          ELSE /\ TRUE
                               /\ net' = net
                    /\ back' = "LastLook"
                    /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                    /\ UNCHANGED <<crashes, busy, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
              /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                              flips, pauses, edits, strips, wantsPause, latest, 
                              twice, excused, src >>

LateFence == /\ pc["attempt"] = "LateFence"
             /\ \/ /\ crashes > 0
                   /\ crashes' = crashes - 1
                   /\ snap' = [c \in Side |-> Untouched]
                   /\ fresh' = [c \in Side |-> FALSE]
                   /\ seen' = [c \in Side |-> 0]
                   /\ s' = "A"
                   /\ f' = NoFence
                   /\ tries' = 0
                   /\ w' = NoWrite
                   /\ back' = "-"
                   /\ on' = "A"
                   /\ lo' = 0
                   /\ hi' = 0
                   /\ all' = FALSE
                   /\ ask' = FALSE
                   /\ at' = 0
                   /\ after' = "-"
                   /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                   /\ net' = net
                \/ /\ w' = [to |-> s, value |-> (Fenced(snap[s], f)), sent |-> FALSE \/ (Fenced(snap[s], f)) # snap[s]]
                   /\ IF (FALSE \/ (Fenced(snap[s], f)) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                         THEN /\ net' = (net \cup {[to |-> s, value |-> (Fenced(snap[s], f))]})
                         ELSE /\ TRUE
                              /\ net' = net
                   /\ back' = "LastLook"
                   /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                   /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
             /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                             flips, busy, pauses, edits, strips, wantsPause, 
                             latest, twice, excused, src >>

Disarm == /\ pc["attempt"] = "Disarm"
          /\ \/ /\ crashes > 0
                /\ crashes' = crashes - 1
                /\ snap' = [c \in Side |-> Untouched]
                /\ fresh' = [c \in Side |-> FALSE]
                /\ seen' = [c \in Side |-> 0]
                /\ s' = "A"
                /\ f' = NoFence
                /\ tries' = 0
                /\ w' = NoWrite
                /\ back' = "-"
                /\ on' = "A"
                /\ lo' = 0
                /\ hi' = 0
                /\ all' = FALSE
                /\ ask' = FALSE
                /\ at' = 0
                /\ after' = "-"
                /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                /\ net' = net
             \/ /\ lo' = Owed(f)
                /\ IF "disarm-bump" \in Without
                      THEN /\ pc' = [pc EXCEPT !["attempt"] = "Unfence"]
                           /\ UNCHANGED << net, w, back >>
                      ELSE /\ w' = [to |-> t, value |-> (Standby(snap[t], Resting(0, "-", Owed(f)))), sent |-> TRUE \/ (Standby(snap[t], Resting(0, "-", Owed(f)))) # snap[t]]
                           /\ IF (TRUE \/ (Standby(snap[t], Resting(0, "-", Owed(f)))) # snap[t]) /\ (fresh[t] \/ "token" \in Without)
                                 THEN /\ net' = (net \cup {[to |-> t, value |-> (Standby(snap[t], Resting(0, "-", Owed(f))))]})
                                 ELSE /\ TRUE
                                      /\ net' = net
                           /\ back' = "Unfence"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, hi, all, ask, at, after>>
          /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                          busy, pauses, edits, strips, wantsPause, latest, 
                          twice, excused, src >>

Unfence == /\ pc["attempt"] = "Unfence"
           /\ \/ /\ crashes > 0
                 /\ crashes' = crashes - 1
                 /\ snap' = [c \in Side |-> Untouched]
                 /\ fresh' = [c \in Side |-> FALSE]
                 /\ seen' = [c \in Side |-> 0]
                 /\ s' = "A"
                 /\ f' = NoFence
                 /\ tries' = 0
                 /\ w' = NoWrite
                 /\ back' = "-"
                 /\ on' = "A"
                 /\ lo' = 0
                 /\ hi' = 0
                 /\ all' = FALSE
                 /\ ask' = FALSE
                 /\ at' = 0
                 /\ after' = "-"
                 /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                 /\ net' = net
              \/ /\ w' = [to |-> s, value |-> (AsUserWrote(snap[s], snap[s].from, snap[t].until)), sent |-> FALSE \/ (AsUserWrote(snap[s], snap[s].from, snap[t].until)) # snap[s]]
                 /\ IF (FALSE \/ (AsUserWrote(snap[s], snap[s].from, snap[t].until)) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                       THEN /\ net' = (net \cup {[to |-> s, value |-> (AsUserWrote(snap[s], snap[s].from, snap[t].until))]})
                       ELSE /\ TRUE
                            /\ net' = net
                 /\ back' = "GivenBack"
                 /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                 /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
           /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                           flips, busy, pauses, edits, strips, wantsPause, 
                           latest, twice, excused, src >>

GivenBack == /\ pc["attempt"] = "GivenBack"
             /\ s' = t
             /\ pc' = [pc EXCEPT !["attempt"] = "Prove"]
             /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, 
                             goal, crashes, flips, busy, pauses, edits, strips, 
                             wantsPause, latest, twice, excused, src, snap, 
                             fresh, seen, f, tries, w, back, on, lo, hi, all, 
                             ask, at, after >>

Prove == /\ pc["attempt"] = "Prove"
         /\ \/ /\ crashes > 0
               /\ crashes' = crashes - 1
               /\ snap' = [c \in Side |-> Untouched]
               /\ fresh' = [c \in Side |-> FALSE]
               /\ seen' = [c \in Side |-> 0]
               /\ s' = "A"
               /\ f' = NoFence
               /\ tries' = 0
               /\ w' = NoWrite
               /\ back' = "-"
               /\ on' = "A"
               /\ lo' = 0
               /\ hi' = 0
               /\ all' = FALSE
               /\ ask' = FALSE
               /\ at' = 0
               /\ after' = "-"
               /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
            \/ /\ on' = t
               /\ lo' = lo
               /\ hi' = seen[t] + Widest
               /\ all' = FALSE
               /\ ask' = TRUE
               /\ after' = "Proven"
               /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
               /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, w, back, at>>
         /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                         flips, busy, pauses, edits, strips, wantsPause, 
                         latest, twice, excused, src >>

Proven == /\ pc["attempt"] = "Proven"
          /\ \/ /\ crashes > 0
                /\ crashes' = crashes - 1
                /\ snap' = [c \in Side |-> Untouched]
                /\ fresh' = [c \in Side |-> FALSE]
                /\ seen' = [c \in Side |-> 0]
                /\ s' = "A"
                /\ f' = NoFence
                /\ tries' = 0
                /\ w' = NoWrite
                /\ back' = "-"
                /\ on' = "A"
                /\ lo' = 0
                /\ hi' = 0
                /\ all' = FALSE
                /\ ask' = FALSE
                /\ at' = 0
                /\ after' = "-"
                /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                /\ net' = net
             \/ /\ IF IsStandby(snap[s])
                      THEN /\ w' = [to |-> s, value |-> (Standby(snap[s], [snap[s].mark EXCEPT !.settle = 0])), sent |-> FALSE \/ (Standby(snap[s], [snap[s].mark EXCEPT !.settle = 0])) # snap[s]]
                           /\ IF (FALSE \/ (Standby(snap[s], [snap[s].mark EXCEPT !.settle = 0])) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                                 THEN /\ net' = (net \cup {[to |-> s, value |-> (Standby(snap[s], [snap[s].mark EXCEPT !.settle = 0]))]})
                                 ELSE /\ TRUE
                                      /\ net' = net
                           /\ back' = "Round"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                           /\ UNCHANGED << snap, fresh, seen, s, f, tries, on, 
                                           lo, hi, all, ask, at, after >>
                      ELSE /\ snap' = [c \in Side |-> Untouched]
                           /\ fresh' = [c \in Side |-> FALSE]
                           /\ seen' = [c \in Side |-> 0]
                           /\ s' = "A"
                           /\ f' = NoFence
                           /\ tries' = 0
                           /\ w' = NoWrite
                           /\ back' = "-"
                           /\ on' = "A"
                           /\ lo' = 0
                           /\ hi' = 0
                           /\ all' = FALSE
                           /\ ask' = FALSE
                           /\ at' = 0
                           /\ after' = "-"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Round"]
                           /\ net' = net
                /\ UNCHANGED crashes
          /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                          busy, pauses, edits, strips, wantsPause, latest, 
                          twice, excused, src >>

LastLook == /\ pc["attempt"] = "LastLook"
            /\ \/ /\ crashes > 0
                  /\ crashes' = crashes - 1
                  /\ snap' = [c \in Side |-> Untouched]
                  /\ fresh' = [c \in Side |-> FALSE]
                  /\ seen' = [c \in Side |-> 0]
                  /\ s' = "A"
                  /\ f' = NoFence
                  /\ tries' = 0
                  /\ w' = NoWrite
                  /\ back' = "-"
                  /\ on' = "A"
                  /\ lo' = 0
                  /\ hi' = 0
                  /\ all' = FALSE
                  /\ ask' = FALSE
                  /\ at' = 0
                  /\ after' = "-"
                  /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                  /\ net' = net
               \/ /\ Past(f.b - 1)
                  /\ /\ fresh' = [fresh EXCEPT ![s] = TRUE]
                     /\ seen' = [seen EXCEPT ![s] = stamp[s]]
                     /\ snap' = [snap EXCEPT ![s] = cl[s]]
                  /\ IF ~IsStandby(snap'[s]) /\ snap'[s].until = 0 /\ "last-look" \notin Without
                        THEN /\ w' = [to |-> s, value |-> (Fenced(snap'[s], f)), sent |-> FALSE \/ (Fenced(snap'[s], f)) # snap'[s]]
                             /\ IF (FALSE \/ (Fenced(snap'[s], f)) # snap'[s]) /\ (fresh'[s] \/ "token" \in Without)
                                   THEN /\ net' = (net \cup {[to |-> s, value |-> (Fenced(snap'[s], f))]})
                                   ELSE /\ TRUE
                                        /\ net' = net
                             /\ back' = "AtB"
                             /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                        ELSE /\ pc' = [pc EXCEPT !["attempt"] = "AtB"]
                             /\ UNCHANGED << net, w, back >>
                  /\ UNCHANGED <<crashes, s, f, tries, on, lo, hi, all, ask, at, after>>
            /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, 
                            flips, busy, pauses, edits, strips, wantsPause, 
                            latest, twice, excused, src >>

AtB == /\ pc["attempt"] = "AtB"
       /\ \/ /\ crashes > 0
             /\ crashes' = crashes - 1
             /\ snap' = [c \in Side |-> Untouched]
             /\ fresh' = [c \in Side |-> FALSE]
             /\ seen' = [c \in Side |-> 0]
             /\ s' = "A"
             /\ f' = NoFence
             /\ tries' = 0
             /\ w' = NoWrite
             /\ back' = "-"
             /\ on' = "A"
             /\ lo' = 0
             /\ hi' = 0
             /\ all' = FALSE
             /\ ask' = FALSE
             /\ at' = 0
             /\ after' = "-"
             /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
             /\ net' = net
          \/ /\ Past(f.b)
             /\ /\ fresh' = [fresh EXCEPT ![s] = TRUE]
                /\ seen' = [seen EXCEPT ![s] = stamp[s]]
                /\ snap' = [snap EXCEPT ![s] = cl[s]]
             /\ IF IsStandby(snap'[s])
                   THEN /\ pc' = [pc EXCEPT !["attempt"] = "Tidy"]
                        /\ UNCHANGED << net, w, back >>
                   ELSE /\ IF snap'[s].until = 0 /\ "last-look" \notin Without
                              THEN /\ w' = [to |-> s, value |-> (Fenced(snap'[s], f)), sent |-> FALSE \/ (Fenced(snap'[s], f)) # snap'[s]]
                                   /\ IF (FALSE \/ (Fenced(snap'[s], f)) # snap'[s]) /\ (fresh'[s] \/ "token" \in Without)
                                         THEN /\ net' = (net \cup {[to |-> s, value |-> (Fenced(snap'[s], f))]})
                                         ELSE /\ TRUE
                                              /\ net' = net
                                   /\ back' = "SettleSource"
                                   /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                              ELSE /\ pc' = [pc EXCEPT !["attempt"] = "SettleSource"]
                                   /\ UNCHANGED << net, w, back >>
             /\ UNCHANGED <<crashes, s, f, tries, on, lo, hi, all, ask, at, after>>
       /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                       busy, pauses, edits, strips, wantsPause, latest, twice, 
                       excused, src >>

SettleSource == /\ pc["attempt"] = "SettleSource"
                /\ on' = s
                /\ lo' = (IF f.next # 0 THEN f.next ELSE f.b)
                /\ hi' = f.b - 1
                /\ all' = TRUE
                /\ ask' = ("source-asks" \notin Without)
                /\ after' = "Tidy"
                /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
                /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, 
                                goal, crashes, flips, busy, pauses, edits, 
                                strips, wantsPause, latest, twice, excused, 
                                src, snap, fresh, seen, s, f, tries, w, back, 
                                at >>

Tidy == /\ pc["attempt"] = "Tidy"
        /\ \/ /\ crashes > 0
              /\ crashes' = crashes - 1
              /\ snap' = [c \in Side |-> Untouched]
              /\ fresh' = [c \in Side |-> FALSE]
              /\ seen' = [c \in Side |-> 0]
              /\ s' = "A"
              /\ f' = NoFence
              /\ tries' = 0
              /\ w' = NoWrite
              /\ back' = "-"
              /\ on' = "A"
              /\ lo' = 0
              /\ hi' = 0
              /\ all' = FALSE
              /\ ask' = FALSE
              /\ at' = 0
              /\ after' = "-"
              /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
              /\ net' = net
           \/ /\ Widest > 0
              /\ /\ fresh' = [fresh EXCEPT ![t] = TRUE]
                 /\ seen' = [seen EXCEPT ![t] = stamp[t]]
                 /\ snap' = [snap EXCEPT ![t] = cl[t]]
              /\ lo' = End
              /\ pc' = [pc EXCEPT !["attempt"] = "SettleTarget"]
              /\ UNCHANGED <<net, crashes, s, f, tries, w, back, on, hi, all, ask, at, after>>
           \/ /\ Past(f.b + (IF "jitter" \in Without THEN 0 ELSE Offset(t) + Behind(t)))
              /\ /\ fresh' = [fresh EXCEPT ![t] = TRUE]
                 /\ seen' = [seen EXCEPT ![t] = stamp[t]]
                 /\ snap' = [snap EXCEPT ![t] = cl[t]]
              /\ lo' = stamp[t]
              /\ LET resting == IsStandby(snap'[s]) IN
                   LET here == ~resting /\ snap'[s].content # f.hash IN
                     LET there == snap'[t].content # f.hash IN
                       LET differ == snap'[s].content # snap'[t].content IN
                         IF differ /\ ~resting /\ (f.next = 0 \/ (here /\ there))
                            THEN /\ pc' = [pc EXCEPT !["attempt"] = "Refused"]
                                 /\ UNCHANGED << net, w, back >>
                            ELSE /\ w' = [to |-> t, value |-> ([AsUserWrote(IF here THEN [snap'[t] EXCEPT !.content = snap'[s].content] ELSE snap'[t], snap'[s].from, snap'[t].until)
                                                                  EXCEPT !.paused = @ \/ (KeepsPause /\ ~resting /\ snap'[s].paused)]), sent |-> FALSE \/ ([AsUserWrote(IF here THEN [snap'[t] EXCEPT !.content = snap'[s].content] ELSE snap'[t], snap'[s].from, snap'[t].until)
                                                                                                                                                              EXCEPT !.paused = @ \/ (KeepsPause /\ ~resting /\ snap'[s].paused)]) # snap'[t]]
                                 /\ IF (FALSE \/ ([AsUserWrote(IF here THEN [snap'[t] EXCEPT !.content = snap'[s].content] ELSE snap'[t], snap'[s].from, snap'[t].until)
                                                     EXCEPT !.paused = @ \/ (KeepsPause /\ ~resting /\ snap'[s].paused)]) # snap'[t]) /\ (fresh'[t] \/ "token" \in Without)
                                       THEN /\ net' = (net \cup {[to |-> t, value |-> ([AsUserWrote(IF here THEN [snap'[t] EXCEPT !.content = snap'[s].content] ELSE snap'[t], snap'[s].from, snap'[t].until)
                                                                                          EXCEPT !.paused = @ \/ (KeepsPause /\ ~resting /\ snap'[s].paused)])]})
                                       ELSE /\ TRUE
                                            /\ net' = net
                                 /\ back' = "SettleTarget"
                                 /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
              /\ UNCHANGED <<crashes, s, f, tries, on, hi, all, ask, at, after>>
        /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                        busy, pauses, edits, strips, wantsPause, latest, twice, 
                        excused, src >>

SettleTarget == /\ pc["attempt"] = "SettleTarget"
                /\ IF snap[s].content # snap[t].content
                      THEN /\ IF "edit-settle" \in Without
                                 THEN /\ lo' = 0
                                      /\ pc' = [pc EXCEPT !["attempt"] = "Retire"]
                                      /\ UNCHANGED << on, hi, all, ask, after >>
                                 ELSE /\ on' = t
                                      /\ lo' = lo
                                      /\ hi' = seen[t] + Widest
                                      /\ all' = FALSE
                                      /\ ask' = TRUE
                                      /\ after' = "Retire"
                                      /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
                      ELSE /\ on' = t
                           /\ lo' = f.b
                           /\ hi' = seen[t] + Widest
                           /\ all' = FALSE
                           /\ ask' = TRUE
                           /\ after' = "Retire"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
                /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, 
                                goal, crashes, flips, busy, pauses, edits, 
                                strips, wantsPause, latest, twice, excused, 
                                src, snap, fresh, seen, s, f, tries, w, back, 
                                at >>

Retire == /\ pc["attempt"] = "Retire"
          /\ \/ /\ crashes > 0
                /\ crashes' = crashes - 1
                /\ snap' = [c \in Side |-> Untouched]
                /\ fresh' = [c \in Side |-> FALSE]
                /\ seen' = [c \in Side |-> 0]
                /\ s' = "A"
                /\ f' = NoFence
                /\ tries' = 0
                /\ w' = NoWrite
                /\ back' = "-"
                /\ on' = "A"
                /\ lo' = 0
                /\ hi' = 0
                /\ all' = FALSE
                /\ ask' = FALSE
                /\ at' = 0
                /\ after' = "-"
                /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
                /\ net' = net
             \/ /\ IF IsStandby(snap[s])
                      THEN /\ pc' = [pc EXCEPT !["attempt"] = "HandedOver"]
                           /\ UNCHANGED << net, w, back >>
                      ELSE /\ w' = [to |-> s, value |-> (Standby(AsUserWrote(snap[s], snap[s].from, snap[t].until), Resting(f.b, UserState(snap[t]), 0))), sent |-> FALSE \/ (Standby(AsUserWrote(snap[s], snap[s].from, snap[t].until), Resting(f.b, UserState(snap[t]), 0))) # snap[s]]
                           /\ IF (FALSE \/ (Standby(AsUserWrote(snap[s], snap[s].from, snap[t].until), Resting(f.b, UserState(snap[t]), 0))) # snap[s]) /\ (fresh[s] \/ "token" \in Without)
                                 THEN /\ net' = (net \cup {[to |-> s, value |-> (Standby(AsUserWrote(snap[s], snap[s].from, snap[t].until), Resting(f.b, UserState(snap[t]), 0)))]})
                                 ELSE /\ TRUE
                                      /\ net' = net
                           /\ back' = "HandedOver"
                           /\ pc' = [pc EXCEPT !["attempt"] = "Written"]
                /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, on, lo, hi, all, ask, at, after>>
          /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, goal, flips, 
                          busy, pauses, edits, strips, wantsPause, latest, 
                          twice, excused, src >>

HandedOver == /\ pc["attempt"] = "HandedOver"
              /\ IF s = src
                    THEN /\ snap' = [c \in Side |-> Untouched]
                         /\ fresh' = [c \in Side |-> FALSE]
                         /\ seen' = [c \in Side |-> 0]
                         /\ s' = "A"
                         /\ f' = NoFence
                         /\ tries' = 0
                         /\ w' = NoWrite
                         /\ back' = "-"
                         /\ on' = "A"
                         /\ lo' = 0
                         /\ hi' = 0
                         /\ all' = FALSE
                         /\ ask' = FALSE
                         /\ at' = 0
                         /\ after' = "-"
                         /\ pc' = [pc EXCEPT !["attempt"] = "Finished"]
                    ELSE /\ snap' = [c \in Side |-> Untouched]
                         /\ fresh' = [c \in Side |-> FALSE]
                         /\ seen' = [c \in Side |-> 0]
                         /\ s' = "A"
                         /\ f' = NoFence
                         /\ tries' = 0
                         /\ w' = NoWrite
                         /\ back' = "-"
                         /\ on' = "A"
                         /\ lo' = 0
                         /\ hi' = 0
                         /\ all' = FALSE
                         /\ ask' = FALSE
                         /\ at' = 0
                         /\ after' = "-"
                         /\ pc' = [pc EXCEPT !["attempt"] = "Round"]
              /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, 
                              goal, crashes, flips, busy, pauses, edits, 
                              strips, wantsPause, latest, twice, excused, src >>

Settle == /\ pc["attempt"] = "Settle"
          /\ \/ /\ crashes > 0
                /\ crashes' = crashes - 1
                /\ snap' = [c \in Side |-> Untouched]
                /\ fresh' = [c \in Side |-> FALSE]
                /\ seen' = [c \in Side |-> 0]
                /\ s' = "A"
                /\ f' = NoFence
                /\ tries' = 0
                /\ w' = NoWrite
                /\ back' = "-"
                /\ on' = "A"
                /\ lo' = 0
                /\ hi' = 0
                /\ all' = FALSE
                /\ ask' = FALSE
                /\ at' = 0
                /\ after' = "-"
                /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
             \/ /\ LET range == {n \in Noms : lo <= n /\ n <= hi} IN
                     LET elsewhere == IF ask /\ "ask" \notin Without THEN ran[Other(on)] ELSE {} IN
                       LET missing == IF cl[on].paused THEN {}
                                      ELSE {n \in range \ (ran[on] \cup elsewhere) : ~WillRun(on, n)} IN
                         LET pending == {n \in range : WillRun(on, n) /\ (all \/ n = DueNow(on))} IN
                           IF missing # {} /\ "settle" \notin Without
                              THEN /\ at' = Min(missing)
                                   /\ pc' = [pc EXCEPT !["attempt"] = "Fill"]
                                   /\ UNCHANGED << on, lo, hi, all, ask, after >>
                              ELSE /\ pending = {} \/ "settle" \in Without
                                   /\ LET next == after IN
                                        /\ at' = 0
                                        /\ on' = "A"
                                        /\ lo' = 0
                                        /\ hi' = 0
                                        /\ all' = FALSE
                                        /\ ask' = FALSE
                                        /\ after' = "-"
                                        /\ IF next = "OpenTarget"
                                              THEN /\ pc' = [pc EXCEPT !["attempt"] = "OpenTarget"]
                                              ELSE /\ IF next = "Proven"
                                                         THEN /\ pc' = [pc EXCEPT !["attempt"] = "Proven"]
                                                         ELSE /\ IF next = "Tidy"
                                                                    THEN /\ pc' = [pc EXCEPT !["attempt"] = "Tidy"]
                                                                    ELSE /\ pc' = [pc EXCEPT !["attempt"] = "Retire"]
                /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, w, back>>
          /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                          flips, busy, pauses, edits, strips, wantsPause, 
                          latest, twice, excused, src >>

Fill == /\ pc["attempt"] = "Fill"
        /\ \/ /\ crashes > 0
              /\ crashes' = crashes - 1
              /\ snap' = [c \in Side |-> Untouched]
              /\ fresh' = [c \in Side |-> FALSE]
              /\ seen' = [c \in Side |-> 0]
              /\ s' = "A"
              /\ f' = NoFence
              /\ tries' = 0
              /\ w' = NoWrite
              /\ back' = "-"
              /\ on' = "A"
              /\ lo' = 0
              /\ hi' = 0
              /\ all' = FALSE
              /\ ask' = FALSE
              /\ at' = 0
              /\ after' = "-"
              /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
              /\ ran' = ran
           \/ /\ ran' = [ran EXCEPT ![on] = ran[on] \cup {at}]
              /\ at' = 0
              /\ pc' = [pc EXCEPT !["attempt"] = "Settle"]
              /\ UNCHANGED <<crashes, snap, fresh, seen, s, f, tries, w, back, on, lo, hi, all, ask, after>>
        /\ UNCHANGED << engine, now, cl, stamp, due, water, net, goal, flips, 
                        busy, pauses, edits, strips, wantsPause, latest, twice, 
                        excused, src >>

Written == /\ pc["attempt"] = "Written"
           /\ \/ /\ crashes > 0
                 /\ crashes' = crashes - 1
                 /\ snap' = [c \in Side |-> Untouched]
                 /\ fresh' = [c \in Side |-> FALSE]
                 /\ seen' = [c \in Side |-> 0]
                 /\ s' = "A"
                 /\ f' = NoFence
                 /\ tries' = 0
                 /\ w' = NoWrite
                 /\ back' = "-"
                 /\ on' = "A"
                 /\ lo' = 0
                 /\ hi' = 0
                 /\ all' = FALSE
                 /\ ask' = FALSE
                 /\ at' = 0
                 /\ after' = "-"
                 /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
              \/ /\ ~w.sent \/ [to |-> w.to, value |-> w.value] \notin net
                 /\ IF back = "Round" \/ (w.sent /\ cl[w.to] # w.value)
                       THEN /\ snap' = [c \in Side |-> Untouched]
                            /\ fresh' = [c \in Side |-> FALSE]
                            /\ seen' = [c \in Side |-> 0]
                            /\ s' = "A"
                            /\ f' = NoFence
                            /\ tries' = 0
                            /\ w' = NoWrite
                            /\ back' = "-"
                            /\ on' = "A"
                            /\ lo' = 0
                            /\ hi' = 0
                            /\ all' = FALSE
                            /\ ask' = FALSE
                            /\ at' = 0
                            /\ after' = "-"
                            /\ pc' = [pc EXCEPT !["attempt"] = "Round"]
                       ELSE /\ LET next == back IN
                                 /\ IF w.sent
                                       THEN /\ /\ fresh' = [fresh EXCEPT ![(w.to)] = TRUE]
                                               /\ seen' = [seen EXCEPT ![(w.to)] = stamp[(w.to)]]
                                               /\ snap' = [snap EXCEPT ![(w.to)] = cl[(w.to)]]
                                       ELSE /\ TRUE
                                            /\ UNCHANGED << snap, fresh, seen >>
                                 /\ w' = NoWrite
                                 /\ back' = "-"
                                 /\ IF next = "QuietOpen"
                                       THEN /\ pc' = [pc EXCEPT !["attempt"] = "QuietOpen"]
                                       ELSE /\ IF next = "TakeOverOpen"
                                                  THEN /\ pc' = [pc EXCEPT !["attempt"] = "TakeOverOpen"]
                                                  ELSE /\ IF next = "Prove"
                                                             THEN /\ pc' = [pc EXCEPT !["attempt"] = "Prove"]
                                                             ELSE /\ IF next = "BuildFence"
                                                                        THEN /\ pc' = [pc EXCEPT !["attempt"] = "BuildFence"]
                                                                        ELSE /\ IF next = "Stamped"
                                                                                   THEN /\ pc' = [pc EXCEPT !["attempt"] = "Stamped"]
                                                                                   ELSE /\ IF next = "LastLook"
                                                                                              THEN /\ pc' = [pc EXCEPT !["attempt"] = "LastLook"]
                                                                                              ELSE /\ IF next = "LateFence"
                                                                                                         THEN /\ pc' = [pc EXCEPT !["attempt"] = "LateFence"]
                                                                                                         ELSE /\ IF next = "Unfence"
                                                                                                                    THEN /\ pc' = [pc EXCEPT !["attempt"] = "Unfence"]
                                                                                                                    ELSE /\ IF next = "GivenBack"
                                                                                                                               THEN /\ pc' = [pc EXCEPT !["attempt"] = "GivenBack"]
                                                                                                                               ELSE /\ IF next = "AtB"
                                                                                                                                          THEN /\ pc' = [pc EXCEPT !["attempt"] = "AtB"]
                                                                                                                                          ELSE /\ IF next = "SettleSource"
                                                                                                                                                     THEN /\ pc' = [pc EXCEPT !["attempt"] = "SettleSource"]
                                                                                                                                                     ELSE /\ IF next = "SettleTarget"
                                                                                                                                                                THEN /\ pc' = [pc EXCEPT !["attempt"] = "SettleTarget"]
                                                                                                                                                                ELSE /\ pc' = [pc EXCEPT !["attempt"] = "HandedOver"]
                            /\ UNCHANGED << s, f, tries, on, lo, hi, all, ask, 
                                            at, after >>
                 /\ UNCHANGED crashes
           /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                           flips, busy, pauses, edits, strips, wantsPause, 
                           latest, twice, excused, src >>

Finished == /\ pc["attempt"] = "Finished"
            /\ goal = src \/ ("second-look" \notin Without /\ ToDo)
            /\ pc' = [pc EXCEPT !["attempt"] = "Begin"]
            /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                            crashes, flips, busy, pauses, edits, strips, 
                            wantsPause, latest, twice, excused, src, snap, 
                            fresh, seen, s, f, tries, w, back, on, lo, hi, all, 
                            ask, at, after >>

Refused == /\ pc["attempt"] = "Refused"
           /\ FALSE
           /\ pc' = [pc EXCEPT !["attempt"] = "Foreign"]
           /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                           crashes, flips, busy, pauses, edits, strips, 
                           wantsPause, latest, twice, excused, src, snap, 
                           fresh, seen, s, f, tries, w, back, on, lo, hi, all, 
                           ask, at, after >>

Foreign == /\ pc["attempt"] = "Foreign"
           /\ FALSE
           /\ pc' = [pc EXCEPT !["attempt"] = "Done"]
           /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, goal, 
                           crashes, flips, busy, pauses, edits, strips, 
                           wantsPause, latest, twice, excused, src, snap, 
                           fresh, seen, s, f, tries, w, back, on, lo, hi, all, 
                           ask, at, after >>

Attempt == Begin \/ Round \/ Look \/ Cross \/ QuietOpen \/ TakeOver
              \/ TakeOverOpen \/ Reshut \/ BuildFence \/ Stamped
              \/ OpenTarget \/ LateFence \/ Disarm \/ Unfence \/ GivenBack
              \/ Prove \/ Proven \/ LastLook \/ AtB \/ SettleSource \/ Tidy
              \/ SettleTarget \/ Retire \/ HandedOver \/ Settle \/ Fill
              \/ Written \/ Finished \/ Refused \/ Foreign

Deliver == /\ pc["network"] = "Deliver"
           /\ Moves
           /\ \E message \in net:
                /\ IF due[(message.to)] /\ engine[(message.to)] = "v1"
                      THEN /\ IF DueNow((message.to)) \in ran[(message.to)]
                                 THEN /\ twice' = (twice \cup {DueNow((message.to))})
                                 ELSE /\ TRUE
                                      /\ twice' = twice
                           /\ ran' = [ran EXCEPT ![(message.to)] = ran[(message.to)] \cup {DueNow((message.to))}]
                      ELSE /\ TRUE
                           /\ UNCHANGED << ran, twice >>
                /\ IF FALSE
                      THEN /\ excused' = (excused \cup {n \in Noms \ Started : n <= now /\ (UserPaused \/ wantsPause \/ TRUE \/ (engine[(message.to)] = "v2" /\ WillRun((message.to), n)))})
                      ELSE /\ TRUE
                           /\ UNCHANGED excused
                /\ due' = [due EXCEPT ![(message.to)] = FALSE]
                /\ IF Offset((message.to)) > 0 /\ (engine[(message.to)] = "v2" \/ cl[(message.to)].paused)
                      THEN /\ water' = [water EXCEPT ![(message.to)] = ClockOf((message.to))]
                      ELSE /\ TRUE
                           /\ water' = water
                /\ cl' = [cl EXCEPT ![(message.to)] = message.value]
                /\ IF TRUE
                      THEN /\ stamp' = [stamp EXCEPT ![(message.to)] = ClockOf((message.to))]
                      ELSE /\ TRUE
                           /\ stamp' = stamp
                /\ IF "token" \in Without
                      THEN /\ net' = net \ ({message})
                      ELSE /\ net' = {m \in net : m.to # (message.to)}
                /\ fresh' = [fresh EXCEPT ![(message.to)] = FALSE]
           /\ pc' = [pc EXCEPT !["network"] = "Deliver"]
           /\ UNCHANGED << engine, now, goal, crashes, flips, busy, pauses, 
                           edits, strips, wantsPause, latest, src, snap, seen, 
                           s, f, tries, w, back, on, lo, hi, all, ask, at, 
                           after >>

Network == Deliver

Generate(self) == /\ pc[self] = "Generate"
                  /\ Moves /\ due[self]
                  /\ IF DueNow(self) \in ran[self]
                        THEN /\ twice' = (twice \cup {DueNow(self)})
                        ELSE /\ TRUE
                             /\ twice' = twice
                  /\ ran' = [ran EXCEPT ![self] = ran[self] \cup {DueNow(self)}]
                  /\ due' = [due EXCEPT ![self] = FALSE]
                  /\ pc' = [pc EXCEPT ![self] = "Generate"]
                  /\ UNCHANGED << engine, now, cl, stamp, water, net, goal, 
                                  crashes, flips, busy, pauses, edits, strips, 
                                  wantsPause, latest, excused, src, snap, 
                                  fresh, seen, s, f, tries, w, back, on, lo, 
                                  hi, all, ask, at, after >>

Scheduler(self) == Generate(self)

Tick == /\ pc["clock"] = "Tick"
        /\ Moves /\ now < End /\ ~due["A"] /\ ~due["B"] /\ (Strips = 0 \/ ~Looks(pc["attempt"], back))
        /\ LET next == now + 1 IN
             LET dues == [c \in Side |-> next - Behind(c) - Offset(c)] IN
               /\ now' = next
               /\ due' = [c \in Side |-> /\ dues[c] \in Noms /\ IsOpen(cl[c], dues[c])
                                        /\ dues[c] > water[c]]
               /\ IF wantsPause \/ UserPaused
                     THEN /\ excused' = (excused \cup ({next} \cap Noms))
                     ELSE /\ TRUE
                          /\ UNCHANGED excused
        /\ pc' = [pc EXCEPT !["clock"] = "Tick"]
        /\ UNCHANGED << engine, cl, stamp, water, ran, net, goal, crashes, 
                        flips, busy, pauses, edits, strips, wantsPause, latest, 
                        twice, src, snap, fresh, seen, s, f, tries, w, back, 
                        on, lo, hi, all, ask, at, after >>

Clock == Tick

Turn == /\ pc["operator"] = "Turn"
        /\ Moves /\ flips > 0
        /\ flips' = flips - 1
        /\ goal' = Other(goal)
        /\ pc' = [pc EXCEPT !["operator"] = "Turn"]
        /\ UNCHANGED << engine, now, cl, stamp, due, water, ran, net, crashes, 
                        busy, pauses, edits, strips, wantsPause, latest, twice, 
                        excused, src, snap, fresh, seen, s, f, tries, w, back, 
                        on, lo, hi, all, ask, at, after >>

Operator == Turn

Act == /\ pc["user"] = "Act"
       /\ Moves
       /\ \E c \in {x \in Side : ~IsStandby(cl[x])}:
            \/ /\ pauses > 0
               /\ pauses' = pauses - 1
               /\ wantsPause' = ~cl[c].paused
               /\ IF due[c] /\ engine[c] = "v1"
                     THEN /\ IF DueNow(c) \in ran[c]
                                THEN /\ twice' = (twice \cup {DueNow(c)})
                                ELSE /\ TRUE
                                     /\ twice' = twice
                          /\ ran' = [ran EXCEPT ![c] = ran[c] \cup {DueNow(c)}]
                     ELSE /\ TRUE
                          /\ UNCHANGED << ran, twice >>
               /\ IF TRUE
                     THEN /\ excused' = (excused \cup {n \in Noms \ Started : n <= now /\ (UserPaused \/ wantsPause' \/ FALSE \/ (engine[c] = "v2" /\ WillRun(c, n)))})
                     ELSE /\ TRUE
                          /\ UNCHANGED excused
               /\ due' = [due EXCEPT ![c] = FALSE]
               /\ IF Offset(c) > 0 /\ (engine[c] = "v2" \/ cl[c].paused)
                     THEN /\ water' = [water EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ water' = water
               /\ cl' = [cl EXCEPT ![c] = [cl[c] EXCEPT !.paused = ~@, !.mark = NoMark]]
               /\ IF FALSE
                     THEN /\ stamp' = [stamp EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ stamp' = stamp
               /\ IF "token" \in Without
                     THEN /\ net' = net \ ({})
                     ELSE /\ net' = {m \in net : m.to # c}
               /\ fresh' = [fresh EXCEPT ![c] = FALSE]
               /\ UNCHANGED <<edits, strips, latest>>
            \/ /\ edits > 0
               /\ edits' = edits - 1
               /\ latest' = latest + 1
               /\ IF due[c] /\ engine[c] = "v1"
                     THEN /\ IF DueNow(c) \in ran[c]
                                THEN /\ twice' = (twice \cup {DueNow(c)})
                                ELSE /\ TRUE
                                     /\ twice' = twice
                          /\ ran' = [ran EXCEPT ![c] = ran[c] \cup {DueNow(c)}]
                     ELSE /\ TRUE
                          /\ UNCHANGED << ran, twice >>
               /\ IF TRUE
                     THEN /\ excused' = (excused \cup {n \in Noms \ Started : n <= now /\ (UserPaused \/ wantsPause \/ TRUE \/ (engine[c] = "v2" /\ WillRun(c, n)))})
                     ELSE /\ TRUE
                          /\ UNCHANGED excused
               /\ due' = [due EXCEPT ![c] = FALSE]
               /\ IF Offset(c) > 0 /\ (engine[c] = "v2" \/ cl[c].paused)
                     THEN /\ water' = [water EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ water' = water
               /\ cl' = [cl EXCEPT ![c] = [cl[c] EXCEPT !.content = latest']]
               /\ IF TRUE
                     THEN /\ stamp' = [stamp EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ stamp' = stamp
               /\ IF "token" \in Without
                     THEN /\ net' = net \ ({})
                     ELSE /\ net' = {m \in net : m.to # c}
               /\ fresh' = [fresh EXCEPT ![c] = FALSE]
               /\ UNCHANGED <<pauses, strips, wantsPause>>
            \/ /\ strips > 0 /\ cl[c].until # 0 /\ now < cl[c].until - 1
               /\ strips' = strips - 1
               /\ IF due[c] /\ engine[c] = "v1"
                     THEN /\ IF DueNow(c) \in ran[c]
                                THEN /\ twice' = (twice \cup {DueNow(c)})
                                ELSE /\ TRUE
                                     /\ twice' = twice
                          /\ ran' = [ran EXCEPT ![c] = ran[c] \cup {DueNow(c)}]
                     ELSE /\ TRUE
                          /\ UNCHANGED << ran, twice >>
               /\ IF TRUE
                     THEN /\ excused' = (excused \cup {n \in Noms \ Started : n <= now /\ (UserPaused \/ wantsPause \/ TRUE \/ (engine[c] = "v2" /\ WillRun(c, n)))})
                     ELSE /\ TRUE
                          /\ UNCHANGED excused
               /\ due' = [due EXCEPT ![c] = FALSE]
               /\ IF Offset(c) > 0 /\ (engine[c] = "v2" \/ cl[c].paused)
                     THEN /\ water' = [water EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ water' = water
               /\ cl' = [cl EXCEPT ![c] = [cl[c] EXCEPT !.until = 0]]
               /\ IF TRUE
                     THEN /\ stamp' = [stamp EXCEPT ![c] = ClockOf(c)]
                     ELSE /\ TRUE
                          /\ stamp' = stamp
               /\ IF "token" \in Without
                     THEN /\ net' = net \ ({})
                     ELSE /\ net' = {m \in net : m.to # c}
               /\ fresh' = [fresh EXCEPT ![c] = FALSE]
               /\ UNCHANGED <<pauses, edits, wantsPause, latest>>
       /\ pc' = [pc EXCEPT !["user"] = "Act"]
       /\ UNCHANGED << engine, now, goal, crashes, flips, busy, src, snap, 
                       seen, s, f, tries, w, back, on, lo, hi, all, ask, at, 
                       after >>

User == Act

Next == Attempt \/ Network \/ Clock \/ Operator \/ User
           \/ (\E self \in Side: Scheduler(self))

Spec == /\ Init /\ [][Next]_vars
        /\ WF_vars(Attempt)
        /\ WF_vars(Network)
        /\ \A self \in Side : WF_vars(Scheduler(self))
        /\ WF_vars(Clock)

\* END TRANSLATION

-------------------------------------------------------------------------------
(***************************************************************************)
(* What is promised (docs/cutover.md)                                      *)
(***************************************************************************)
\* A migration has ended in the direction wanted last, and nothing is left to do but what the bake does.
AtRest == pc["attempt"] = "Finished" /\ goal # src /\ ("second-look" \in Without \/ ~ToDo)
Both == ran["A"] \cap ran["B"]

\* I1: no nominal time runs twice, on one cluster or on two.
Once == Both = {} /\ twice = {}

\* I1: when all is over every nominal time has run, unless its user kept it from running.
Complete == AtRest /\ now = End /\ ~due["A"] /\ ~due["B"] => Noms \subseteq (ran["A"] \cup ran["B"] \cup excused)

\* I3: at no moment are both sides going to run the same nominal time.
Disjoint == \A n \in Noms : ~(WillRun("A", n) /\ WillRun("B", n))

\* I5: wherever it was turned round, the side wanted last owns the schedule, and only that side, with no bound of ours.
Reversible ==
  AtRest => /\ ~IsStandby(cl[goal]) /\ cl[goal].mark = NoMark /\ cl[goal].until = 0
            /\ (cl[goal].from = 0 \/ ~Past(cl[goal].from + Widest + Behind(goal)))
            /\ IsStandby(cl[Other(goal)]) /\ cl[Other(goal)].paused

\* I4: what the user paused stays paused, and what the user wrote last is what the owner has.
PauseKept == AtRest /\ wantsPause => cl[goal].paused
EditKept == AtRest => cl[goal].content = latest

\* Nothing the protocol does leads where it cannot go on from.
Known == pc["attempt"] # "Foreign"
RefusedRightly == pc["attempt"] = "Refused" => Edits > 1 \/ Pauses > 0

\* It settles, whatever was cut off.
Settles == <>[](AtRest \/ pc["attempt"] = "Refused")
=============================================================================
