# Sourced by ./filmgate and ./check, with $root set: where the virtual environment is, whether it is what this
# checkout wants, and how to make it so. What is installed, and how, is set_up.py's business.

venv=${FILMGATE_VENV:-$root/.venv}
case $venv in
  /*) ;;
  *) venv=$PWD/$venv ;;
esac

# The text that set_up.py leaves in the environment when it has finished: where it stands, and all it was made from.
environment_wanted() {
  printf '%s\n' "$root"
  readlink -f "$venv/bin/python"
  case $1 in
    base) cat "$root/requirements/base.txt" "$root/requirements/build.txt" "$root/pyproject.toml" ;;
    dev) cat "$root/requirements/dev.txt" "$root/requirements/clients.txt" "$root/pyproject.toml" ;;
  esac
}

environment_is_current() {
  [ -x "$venv/bin/python" ] && [ -f "$venv/set-up.$1" ] &&
    environment_wanted "$1" | cmp -s - "$venv/set-up.$1"
}

environment_set_up() {
  for python in python3 python3.13 python3.12 python3.11 python3.14 python; do
    if command -v "$python" >/dev/null 2>&1 &&
      "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      "$python" -I "$root/requirements/set_up.py" "$1" "$root" "$venv" || exit $?
      return 0
    fi
  done
  found=$(python3 -V 2>&1) || found="no python3"
  echo "filmgate needs Python 3.11 or newer; this machine has $found on its PATH." >&2
  echo "Debian or Ubuntu: sudo apt install python3 python3-venv. Fedora: sudo dnf install python3." >&2
  echo "Then run the same command again." >&2
  exit 1
}
