# What the launchers share; read by them, not run.

# a JDK says in its release file what it is, which is quicker than to start it
is_25() {
  [ -x "$1/bin/java" ] || return 1
  if [ -f "$1/release" ]; then grep -q '^JAVA_VERSION="25' "$1/release"; return; fi
  "$1/bin/java" -version 2>&1 | grep -q 'version "25'
}

find_jdk() {
  if [ -n "${JAVA_HOME:-}" ] && is_25 "$JAVA_HOME"; then echo "$JAVA_HOME"; return; fi
  onpath=$(command -v java || true)
  if [ -n "$onpath" ] && "$onpath" -version 2>&1 | grep -q 'version "25'; then
    "$onpath" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p'; return
  fi
  for folder in /usr/lib/jvm/* /opt/java/* "$HOME"/.sdkman/candidates/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if is_25 "$folder"; then echo "$folder"; return; fi
  done
}

jdk=$(find_jdk)
if [ -z "$jdk" ]; then
  echo "weir: no JDK 25 found: set JAVA_HOME to one, or put its java on PATH" >&2
  exit 1
fi
# built MODULE: builds the module, and what it needs, if its jar is not there
built() {
  if [ ! -f "$home/$1/target/$1-0.1.0.jar" ]; then
    echo "weir: building, once" >&2
    (cd "$home" && mvn -q -B -DskipTests -pl "$1" -am package) >&2
  fi
}
