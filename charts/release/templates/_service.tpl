{{/*
What a version's serviceSpecification comes to, as JSON with these keys, each left out where nothing is to be said:
  port: which port of the Service the route leads to, unless it is the application's
  template: of the Service; the selector and the ports that the values leave out are as without them
  containers: ports of the container that is made from an image, the route's first, where they are not the Service's one
Arguments: field of the version, version, its name, the application's port.
*/}}
{{- define "release.service" -}}
{{- $field := index . 0 -}}
{{- $version := index . 1 -}}
{{- $at := printf "%s.serviceSpecification" $field -}}
{{- $given := $version.serviceSpecification | default dict -}}
{{- $spec := $given.spec | default dict -}}
{{- $short := $given.ports | default list -}}
{{- $own := $spec.ports | default list -}}
{{- include "release.ports" (list (printf "%s.ports" $at) $short $version) -}}
{{- include "release.ports" (list (printf "%s.spec.ports" $at) $own $version) -}}
{{- $ports := $own | default $short -}}
{{- $result := dict -}}
{{- $from := "application.port" -}}
{{- $port := index . 3 | int64 -}}
{{- if $short -}}
{{- $from = printf "%s.ports[0].port" $at -}}
{{- $port = (index $short 0).port | int64 -}}
{{- $_ := set $result "port" $port -}}
{{- else if hasKey $version "port" -}}
{{- $from = printf "%s.port" $field -}}
{{- $port = include "release.integer" (list $from $version.port 1 65535) | int64 -}}
{{- $_ := set $result "port" $port -}}
{{- else if eq (len $own) 1 -}}
{{- $from = printf "%s.spec.ports[0].port" $at -}}
{{- $port = (index $own 0).port | int64 -}}
{{- $_ := set $result "port" $port -}}
{{- end -}}
{{- /* The route can lead only to what the Service has. */ -}}
{{- $allowed := list -}}
{{- range $ports -}}
{{- if eq (.protocol | default "TCP") "TCP" -}}
{{- $allowed = append $allowed (int64 .port) -}}
{{- end -}}
{{- end -}}
{{- if and $ports (not (has $port $allowed)) -}}
{{- fail (printf "%s: %d is not allowed as the port that the route leads to; allowed: a TCP port of %s (%s), named by %s.port" $from $port (printf "%s%s" $at (ternary ".spec.ports" ".ports" (gt (len $own) 0))) (join ", " $allowed | default "it has none") $field) -}}
{{- end -}}
{{- if $own -}}
{{- range $i, $entry := $short -}}
{{- include "release.portIsAmong" (list (printf "%s.ports[%d]" $at $i) $entry $own) -}}
{{- end -}}
{{- end -}}
{{- if $given -}}
{{- $template := omit $given "ports" -}}
{{- if or (hasKey $given "spec") $short -}}
{{- $made := dict "selector" (dict "app" (index . 2)) -}}
{{- range $key, $value := $spec -}}
{{- $_ := set $made $key $value -}}
{{- end -}}
{{- $_ := set $made "ports" ($ports | default (list (dict "port" $port))) -}}
{{- $_ := set $template "spec" $made -}}
{{- end -}}
{{- $_ := set $result "template" $template -}}
{{- end -}}
{{- $first := list -}}
{{- $others := list -}}
{{- range $ports -}}
{{- $protocol := .protocol | default "TCP" -}}
{{- $container := dict "containerPort" (int64 (.targetPort | default .port)) -}}
{{- if ne $protocol "TCP" -}}
{{- $_ := set $container "protocol" $protocol -}}
{{- end -}}
{{- if and (eq (int64 .port) $port) (eq $protocol "TCP") -}}
{{- $first = append $first $container -}}
{{- else -}}
{{- $others = append $others $container -}}
{{- end -}}
{{- end -}}
{{- $containers := concat $first $others | uniq -}}
{{- if and $ports (ne (toJson $containers) (printf "[{\"containerPort\":%d}]" $port)) -}}
{{- $_ := set $result "containers" $containers -}}
{{- end -}}
{{- toJson $result -}}
{{- end -}}

{{/*
Fails unless the entries of a list of a Service's ports can be carried out; what only Kubernetes knows is left to it.
Arguments: field, list, version.
*/}}
{{- define "release.ports" -}}
{{- $field := index . 0 -}}
{{- $ports := index . 1 -}}
{{- $version := index . 2 -}}
{{- range $i, $entry := $ports -}}
{{- $at := printf "%s[%d]" $field $i -}}
{{- $_ := include "release.integer" (list (printf "%s.port" $at) $entry.port 1 65535) -}}
{{- if and (gt (len $ports) 1) (not $entry.name) -}}
{{- fail (printf "%s.name is required where a Service has several ports" $at) -}}
{{- end -}}
{{- if hasKey $entry "targetPort" -}}
{{- if kindIs "string" $entry.targetPort -}}
{{- if not $version.deploymentSpecification -}}
{{- fail (printf "%s.targetPort: %q is not allowed with image, whose container has no named ports; allowed: a whole number from 1 to 65535, or a name with deploymentSpecification" $at $entry.targetPort) -}}
{{- end -}}
{{- if not (and (regexMatch "^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$" $entry.targetPort) (regexMatch "[a-z]" $entry.targetPort)) -}}
{{- fail (printf "%s.targetPort: %q is not allowed; allowed: a whole number from 1 to 65535, or the name of a container's port" $at $entry.targetPort) -}}
{{- end -}}
{{- else -}}
{{- $_ := include "release.integer" (list (printf "%s.targetPort" $at) $entry.targetPort 1 65535) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Fails unless one of a Service's own ports says all that an entry of the short list says, which would be lost otherwise.
Arguments: field, entry, the Service's own ports.
*/}}
{{- define "release.portIsAmong" -}}
{{- $entry := index . 1 -}}
{{- $found := false -}}
{{- range $own := index . 2 -}}
{{- $same := true -}}
{{- range $key, $value := $entry -}}
{{- if ne (toJson $value) (toJson (get $own $key)) -}}
{{- $same = false -}}
{{- end -}}
{{- end -}}
{{- $found = or $found $same -}}
{{- end -}}
{{- if not $found -}}
{{- fail (printf "%s: %s is not allowed beside spec.ports, which are the Service's; allowed: one of them, %s" (index . 0) (toJson $entry) (toJson (index . 2))) -}}
{{- end -}}
{{- end -}}
