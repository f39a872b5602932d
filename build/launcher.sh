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
# built MODULE: builds the module, and what it needs, if its jar is not there; says so if what is built is old
built() {
  if [ ! -f "$home/$1/target/$1-0.1.0.jar" ]; then
    echo "weir: building, once" >&2
    (cd "$home" && mvn -q -B -DskipTests -pl "$1" -am package) >&2
    return
  fi
  # a build makes only the jars anew whose sources changed
  newest=$(ls -t "$home/$1/target/$1-0.1.0.jar" "$home"/cli/target/cli-0.1.0.jar "$home"/cli/target/lib/*-0.1.0.jar 2>/dev/null |
    head -n 1) || true
  for sources in "$home"/*/src/main "$home/charts"; do
    case $sources in */e2e/src/main) [ "$1" = e2e ] || continue ;; esac
    set -- "$@" "$sources"
  done
  module=$1; shift
  if [ -n "$(find "$@" -type f -newer "$newest" -print -quit)" ]; then
    echo "weir: built before the sources changed; to build anew: (cd $home && mvn -q -DskipTests -pl $module -am package)" >&2
  fi
}
