{{- /* The pod, the same in a StatefulSet and in a Deployment. */ -}}
{{- define "stoa.pod" -}}
{{- $values := .Values -}}
metadata:
  labels:
    {{- include "stoa.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or (include "stoa.hasConfig" .) $values.podAnnotations }}
  annotations:
    {{- if include "stoa.hasConfig" . }}
    checksum/config: {{ $values.config | sha256sum }}
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "stoa.serviceAccount" . }}
  automountServiceAccountToken: {{ $values.serviceAccount.automountToken }}
  # A Service of the name stoa would put its address into variables that look like settings.
  enableServiceLinks: false
  # Longer than the drain, whatever that is.
  terminationGracePeriodSeconds: {{ add (int $values.drainSeconds) (int $values.preStopSeconds) 15 }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml $values.topologySpreadConstraints | nindent 4 }}
  {{- else if include "stoa.isMany" . }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "stoa.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: stoa
      image: {{ include "stoa.image" (dict "root" . "flavour" $values.image.flavour) | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      securityContext:
        {{- toYaml $values.securityContext | nindent 8 }}
      env:
        {{- include "stoa.env" . | nindent 8 }}
      {{- if or $values.storage.credentialsSecret $values.extraEnvFrom }}
      envFrom:
        {{- with $values.storage.credentialsSecret }}
        - secretRef:
            name: {{ . }}
        {{- end }}
        {{- with $values.extraEnvFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ $values.port }}
      {{- range $name, $page := dict "startup" "healthz" "liveness" "healthz" "readiness" "readyz" }}
      {{ $name }}Probe:
        httpGet:
          # Below the root, whatever the base path: both pages answer there as well.
          path: /{{ $page }}
          port: http
          scheme: {{ include "stoa.scheme" $ | upper }}
        {{- toYaml (get $values.probes $name) | nindent 8 }}
      {{- end }}
      {{- if and (gt (int $values.preStopSeconds) 0) (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $values.preStopSeconds }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /var/lib/stoa
        {{- if include "stoa.hasConfig" . }}
        - name: config
          mountPath: /etc/stoa
          readOnly: true
        {{- end }}
        {{- if $values.direct.credentialsSecret }}
        - name: git
          mountPath: /run/secrets/stoa/git
          readOnly: true
        {{- end }}
        {{- if $values.direct.sshSecret }}
        - name: ssh
          mountPath: /run/secrets/stoa/ssh
          readOnly: true
        {{- end }}
        {{- if $values.tls.secret }}
        - name: tls
          mountPath: /run/secrets/stoa/tls
          readOnly: true
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- $scratch := ne $values.storage.kind "disk" }}
  {{- if or $scratch $values.storage.disk.existingClaim (include "stoa.hasConfig" .) $values.direct.credentialsSecret $values.direct.sshSecret $values.tls.secret $values.extraVolumes }}
  volumes:
    {{- if $scratch }}
    - name: data
      emptyDir:
        sizeLimit: {{ $values.storage.scratch.size }}
    {{- else if $values.storage.disk.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ $values.storage.disk.existingClaim }}
    {{- end }}
    {{- if include "stoa.hasConfig" . }}
    - name: config
      configMap:
        name: {{ include "stoa.fullname" . }}
    {{- end }}
    {{- if $values.direct.credentialsSecret }}
    - name: git
      secret:
        secretName: {{ $values.direct.credentialsSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if $values.direct.sshSecret }}
    - name: ssh
      secret:
        secretName: {{ $values.direct.sshSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if $values.tls.secret }}
    - name: tls
      secret:
        secretName: {{ $values.tls.secret }}
        defaultMode: 0440
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end -}}
