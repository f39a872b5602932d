{{/*
Fails unless a value is a whole number within bounds. The schema leaves the type of these values open, because its
messages cannot show the value.
Arguments: field, value, least, most.
*/}}
{{- define "release.integer" -}}
{{- $value := index . 1 -}}
{{- $allowed := printf "allowed: a whole number from %v to %v" (index . 2) (index . 3) -}}
{{- if not (or (kindIs "float64" $value) (kindIs "int64" $value) (kindIs "int" $value)) -}}
{{- fail (printf "%s: %s is not allowed; %s" (index . 0) (toJson $value) $allowed) -}}
{{- end -}}
{{- if or (ne (float64 $value) (floor $value)) (lt (float64 $value) (float64 (index . 2))) (gt (float64 $value) (float64 (index . 3))) -}}
{{- fail (printf "%s: %v is not allowed; %s" (index . 0) $value $allowed) -}}
{{- end -}}
{{- int64 $value -}}
{{- end -}}

{{/*
A text as YAML reads it back as text: "on" and "123" stand in quotes, most names without.
*/}}
{{- define "release.string" -}}
{{- if regexMatch "^[-.A-Za-z0-9]+$" . -}}{{ toYaml . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}
