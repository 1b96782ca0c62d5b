# Sourced by scripts/test.sh: `install_browser` brings a Chromium for the tests of the pages, where there is none.

install_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  echo "sepkit: installing Chromium for the tests of the pages (once) …" >&2
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    local install="apt-get install -qq -y --no-install-recommends chromium"
    { $install || { apt-get update -qq && $install; }; } >/dev/null 2>&1 && return
  fi
  .venv/bin/python -m playwright install chromium >&2
}
