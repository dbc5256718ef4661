{{- define "stoa.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "stoa.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "stoa.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "stoa.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "stoa.selector" -}}
app.kubernetes.io/name: {{ include "stoa.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: mirror
{{- end -}}

{{- define "stoa.labels" -}}
{{ include "stoa.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "stoa.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "stoa.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The image of a flavour: dict "root" $ "flavour" "full". */ -}}
{{- define "stoa.image" -}}
{{- $image := .root.Values.image -}}
{{- if and $image.digest (eq .flavour $image.flavour) -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- $tag := default .root.Chart.AppVersion $image.tag -}}
{{- printf "%s:%s%s" $image.repository $tag (ternary "-full" "" (and (eq .flavour "full") (not (hasSuffix "-full" $tag)))) -}}
{{- end -}}
{{- end -}}

{{- define "stoa.isSingle" -}}
{{- if has .Values.storage.kind (list "disk" "memory") -}}yes{{- end -}}
{{- end -}}

{{- define "stoa.isMany" -}}
{{- if and (not (include "stoa.isSingle" .)) (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) -}}yes{{- end -}}
{{- end -}}

{{- /* The prefix without a slash at its end: empty for the root. */ -}}
{{- define "stoa.prefix" -}}
{{- trimSuffix "/" .Values.basePath -}}
{{- end -}}

{{- define "stoa.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.secret "") -}}
{{- end -}}

{{- /* The whole address of the Service in the cluster. */ -}}
{{- define "stoa.inside" -}}
{{- printf "%s://%s.%s.svc:%d%s" (include "stoa.scheme" .) (include "stoa.fullname" .) .Release.Namespace (int .Values.service.port) (include "stoa.prefix" .) -}}
{{- end -}}

{{- define "stoa.hasConfig" -}}
{{- if .Values.config -}}yes{{- end -}}
{{- end -}}

{{- /* What contradicts itself, in words. */ -}}
{{- define "stoa.check" -}}
{{- $values := .Values -}}
{{- if and (include "stoa.isSingle" .) (gt (int $values.replicas) 1) -}}
{{- fail (printf "replicas: storage.kind %s serves one pod; several need a bucket or postgres" $values.storage.kind) -}}
{{- end -}}
{{- if and (include "stoa.isSingle" .) $values.autoscaling.enabled -}}
{{- fail (printf "autoscaling.enabled: storage.kind %s serves one pod; several need a bucket or postgres" $values.storage.kind) -}}
{{- end -}}
{{- if and (not (include "stoa.isSingle" .)) (not $values.storage.url) (not $values.storage.urlSecret.name) (not $values.config) -}}
{{- fail (printf "storage.url: say where, since storage.kind is %s (or storage.urlSecret.name, or config)" $values.storage.kind) -}}
{{- end -}}
{{- $schemes := dict "s3" "s3:" "gcs" "gs:" "azure" "az:" "postgres" "postgres" -}}
{{- if and $values.storage.url (include "stoa.isSingle" .) -}}
{{- fail (printf "storage.url: storage.kind %s has a place of its own" $values.storage.kind) -}}
{{- else if and $values.storage.url (not (hasPrefix (get $schemes $values.storage.kind) $values.storage.url)) -}}
{{- fail (printf "storage.url: %s does not begin as storage.kind %s does" $values.storage.url $values.storage.kind) -}}
{{- end -}}
{{- if and $values.storage.urlSecret.name (include "stoa.isSingle" .) -}}
{{- fail (printf "storage.urlSecret: storage.kind %s has a place of its own" $values.storage.kind) -}}
{{- end -}}
{{- if and $values.storage.url $values.storage.urlSecret.name -}}
{{- fail "storage.url: it is said, and storage.urlSecret too; one of them must go" -}}
{{- end -}}
{{- if and $values.lease.url $values.lease.urlSecret.name -}}
{{- fail "lease.url: it is said, and lease.urlSecret too; one of them must go" -}}
{{- end -}}
{{- if and $values.direct.sshSecret (ne $values.image.flavour "full") -}}
{{- fail "direct.sshSecret: ssh is in the full image alone (image.flavour)" -}}
{{- end -}}
{{- if and (ne $values.image.flavour "full") (has $values.direct.git (list "auto" "command")) -}}
{{- fail (printf "direct.git: %s needs programs that are in the full image alone (image.flavour)" $values.direct.git) -}}
{{- end -}}
{{- $own := list "HOME" "STOA_CONFIG" "STOA_LISTEN" "STOA_BASE_PATH" "STOA_LIMITS__DRAIN" "STOA_STORAGE__URL" "STOA_TLS__CERTIFICATE" "STOA_TLS__KEY" -}}
{{- range $values.extraEnv -}}
{{- if has .name $own -}}
{{- fail (printf "extraEnv: %s is computed by the chart; set the value that it comes from" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The environment of the program. */ -}}
{{- define "stoa.env" -}}
{{- $values := .Values -}}
- name: HOME
  value: /var/lib/stoa
- name: STOA_LISTEN
  value: {{ printf "%s:%d" $values.listenHost (int $values.port) | quote }}
- name: STOA_LIMITS__DRAIN
  value: {{ printf "%ds" (int $values.drainSeconds) }}
{{- if eq $values.storage.kind "disk" }}
- name: STOA_STORAGE__URL
  value: file:/var/lib/stoa/modules
{{- else if eq $values.storage.kind "memory" }}
- name: STOA_STORAGE__URL
  value: "memory:"
{{- else if $values.storage.url }}
- name: STOA_STORAGE__URL
  value: {{ $values.storage.url | quote }}
{{- else if $values.storage.urlSecret.name }}
- name: STOA_STORAGE__URL
  valueFrom:
    secretKeyRef:
      name: {{ $values.storage.urlSecret.name }}
      key: {{ $values.storage.urlSecret.key }}
{{- end }}
{{- with $values.storage.endpoint }}
- name: STOA_STORAGE__ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if ne $values.storage.kind "disk" }}
- name: STOA_STORAGE__SPOOL
  value: /var/lib/stoa/spool
- name: STOA_DIRECT__CACHE
  value: /var/lib/stoa/direct
{{- end }}
{{- if $values.lease.url }}
- name: STOA_LEASE__URL
  value: {{ $values.lease.url | quote }}
{{- else if $values.lease.urlSecret.name }}
- name: STOA_LEASE__URL
  valueFrom:
    secretKeyRef:
      name: {{ $values.lease.urlSecret.name }}
      key: {{ $values.lease.urlSecret.key }}
{{- end }}
{{- with $values.upstream.chain }}
- name: STOA_UPSTREAM__CHAIN
  value: {{ . | quote }}
{{- end }}
{{- with $values.upstream.private }}
- name: STOA_UPSTREAM__PRIVATE
  value: {{ . | quote }}
{{- end }}
{{- with $values.direct.git }}
- name: STOA_DIRECT__GIT
  value: {{ . }}
{{- end }}
{{- if $values.direct.credentialsSecret }}
- name: STOA_DIRECT__CREDENTIALS
  value: /run/secrets/stoa/git/credentials.toml
{{- end }}
{{- if $values.direct.sshSecret }}
- name: GIT_SSH_COMMAND
  value: ssh -i /run/secrets/stoa/ssh/id -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/run/secrets/stoa/ssh/known_hosts
{{- end }}
{{- with $values.publicUrl }}
- name: STOA_WEB__PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "stoa.prefix" . }}
- name: STOA_BASE_PATH
  value: {{ . }}
{{- end }}
{{- if $values.tls.secret }}
- name: STOA_TLS__CERTIFICATE
  value: /run/secrets/stoa/tls/tls.crt
- name: STOA_TLS__KEY
  value: /run/secrets/stoa/tls/tls.key
{{- end }}
{{- if include "stoa.hasConfig" . }}
- name: STOA_CONFIG
  value: /etc/stoa/stoa.toml
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
