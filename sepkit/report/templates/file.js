"use strict";
// The player. All tracks run at the same instant, each through its own gain, and choosing one only turns the gains: the
// position cannot move. Pieces are decoded when they are near, so that a long file takes no more memory than a short one.
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const element = (id) => document.getElementById(id);
  const player = element("player"), slider = element("position"), timeline = element("timeline");
  const buttons = [...player.querySelectorAll(".track")];
  const AHEAD_S = 5, FADE_S = 0.01, SKIP_S = 2;
  let context = null, gains = [], sources = [], pieces = new Map();
  let playing = false, run = 0, chosen = 0, back = 1, from_s = 0, begun = 0, stop_s = null, nextPiece = 0, loading = false;

  const position = () => {
    const at = playing ? from_s + Math.max(0, context.currentTime - begun) : from_s;
    return Math.min(at, page.duration_s);
  };

  function decode(track, index) {
    const key = track + "-" + index;
    if (!pieces.has(key)) {
      const bytes = Uint8Array.from(atob(element("piece-" + key).textContent), (letter) => letter.charCodeAt(0));
      pieces.set(key, context.decodeAudioData(bytes.buffer));
    }
    return pieces.get(key);
  }

  async function schedule(index, mine) {
    const buffers = await Promise.all(page.tracks.map((_, track) => decode(track, index)));
    if (mine !== run) return;
    const first = index * page.piece_s, last = Math.min(first + page.piece_s, page.duration_s);
    const start = Math.max(first, from_s);
    for (const [track, buffer] of buffers.entries()) {
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(gains[track]);
      source.start(begun + start - from_s, page.lead_s + start - first, last - start);
      sources.push(source);
    }
    for (const key of pieces.keys()) if (Math.abs(Number(key.split("-")[1]) - index) > 1) pieces.delete(key);
  }

  function silence() {
    run += 1;
    for (const source of sources) source.stop();
    sources = [];
  }

  async function play(at_s = position(), until_s = null) {
    if (!context) {
      context = new AudioContext({ sampleRate: 48000 });
      gains = page.tracks.map(() => new GainNode(context, { gain: 0 }));
      for (const gain of gains) gain.connect(context.destination);
    }
    silence();
    const mine = run;
    playing = false;
    from_s = at_s >= page.duration_s - 0.05 ? 0 : at_s;
    stop_s = until_s;
    nextPiece = Math.floor(from_s / page.piece_s);
    turn(0);
    try {
      await context.resume();
      await Promise.all(page.tracks.map((_, track) => decode(track, nextPiece)));
      if (mine !== run) return;
      begun = context.currentTime + 0.03;
      playing = true;
      await schedule(nextPiece, mine);
      nextPiece += 1;
    } catch {
      playing = false;
      say("This browser cannot decode Opus in Ogg; Chrome, Edge, Firefox and Safari 18.4 can.");
    }
    show();
  }

  function pause() {
    from_s = position();
    playing = false;
    silence();
    show();
  }

  function seek(at_s) {
    const to = Math.min(Math.max(at_s, 0), page.duration_s);
    if (playing) { play(to); return; }
    from_s = to;
    show();
  }

  // Turn the gains so that the chosen track alone is heard.
  function turn(fade_s = FADE_S) {
    for (const [track, node] of gains.entries()) {
      const level = element("matched")?.checked ? 10 ** (page.tracks[track].gain_db / 20) : 1;
      node.gain.cancelScheduledValues(context.currentTime);
      node.gain.setTargetAtTime(track === chosen ? level : 0, context.currentTime, fade_s / 3);
    }
  }

  function choose(track) {
    chosen = track;
    if (page.back_to_last && track) back = track;
    turn();
    say(page.tracks[track].name);
    show();
  }

  function say(text) { element("status").textContent = text; }

  function clock(seconds) {
    const tenths = Math.round((page.start_s + seconds) * 10), minutes = Math.floor(tenths / 600);
    const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
    return minutes < 60 ? minutes + ":" + rest
      : Math.floor(minutes / 60) + ":" + String(minutes % 60).padStart(2, "0") + ":" + rest;
  }

  function show() {
    const at = position();
    element("cursor").style.left = (100 * at) / page.duration_s + "%";
    element("time").textContent = clock(at);
    slider.value = at;
    slider.setAttribute("aria-valuetext", clock(at));
    element("play").textContent = playing ? "Pause" : "Play";
    Object.assign(player.dataset, { track: chosen, playing, position: at.toFixed(3) });
    for (const [track, button] of buttons.entries()) button.setAttribute("aria-pressed", String(track === chosen));
  }

  // A timer and not the screen's frames: a page in the background goes on playing.
  setInterval(async () => {
    if (!playing) return;
    const at = position();
    if (at >= page.duration_s || (stop_s !== null && at >= stop_s)) { pause(); return; }
    const soon = nextPiece * page.piece_s < Math.min(at + AHEAD_S, page.duration_s);
    if (soon && !loading) {
      loading = true;
      await schedule(nextPiece, run);
      nextPiece += 1;
      loading = false;
    }
  }, 100);

  function follow() {
    if (playing) show();
    requestAnimationFrame(follow);
  }

  element("play").addEventListener("click", () => (playing ? pause() : play()));
  element("matched")?.addEventListener("change", () => turn());
  slider.addEventListener("input", () => seek(Number(slider.value)));
  for (const [track, button] of buttons.entries()) button.addEventListener("click", () => choose(track));
  for (const button of document.querySelectorAll(".moment")) {
    button.addEventListener("click", () => {
      if (chosen > 1 && !button.closest("#edits")) choose(1);
      play(Number(button.dataset.start), Number(button.dataset.end));
    });
  }
  const there = (event) => {
    if (event.target.closest("summary")) return;
    const box = timeline.getBoundingClientRect();
    seek((page.duration_s * (event.clientX - box.left)) / box.width);
  };
  timeline.addEventListener("click", there);
  timeline.addEventListener("pointermove", (event) => { if (event.buttons & 1 && event.pointerType === "mouse" && !playing) there(event); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const on = event.target.closest("button, a, summary, input, select, [tabindex]");
    const key = event.key.toLowerCase();
    if (key === " " && (!on || on === slider)) { event.preventDefault(); playing ? pause() : play(); }
    else if (key === "x") choose(chosen === 0 ? back : 0);
    else if (key === "m") { element("matched")?.click(); }
    else if (/^[1-9]$/.test(key) && Number(key) <= buttons.length) choose(Number(key) - 1);
    else if ((key === "arrowleft" || key === "arrowright") && !(on && on.matches(".scroll, pre"))) {
      event.preventDefault();
      seek(position() + (key === "arrowleft" ? -SKIP_S : SKIP_S));
    } else if (key === "home" && !on) seek(0);
  });
  show();
  follow();
})();
