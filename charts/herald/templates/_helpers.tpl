{{/* MetalLB's names: objects of a release have to be found under the same ones. */}}
{{- define "metallb.name" -}}
{{- default "metallb" .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "metallb.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default "metallb" .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "metallb.selectorLabels" -}}
app.kubernetes.io/name: {{ include "metallb.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "metallb.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "metallb.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Name of a part's account: (list $ "controller"). */}}
{{- define "metallb.account" -}}
{{- $root := index . 0 }}{{- $part := index . 1 }}
{{- $account := (index $root.Values $part).serviceAccount }}
{{- if $account.create }}
{{- default (printf "%s-%s" (include "metallb.fullname" $root) $part) $account.name }}
{{- else }}
{{- default "default" $account.name }}
{{- end }}
{{- end }}

{{- define "metallb.controllerName" -}}
{{- printf "%s-controller" (include "metallb.fullname" .) }}
{{- end }}

{{- define "metallb.memberlistSecret" -}}
{{- default (printf "%s-memberlist" (include "metallb.fullname" .)) .Values.speaker.secretName | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* True for an image of MetalLB itself, also behind a mirror: its programs are not ours. */}}
{{- define "herald.isForeignImage" -}}
{{- if regexMatch "(^|/)metallb/(controller|speaker)$" (toString .) }}true{{ end }}
{{- end }}

{{/* image and imagePullPolicy of a part: (list $ "speaker"). */}}
{{- define "herald.image" -}}
{{- $root := index . 0 }}{{- $own := (index $root.Values (index . 1)).image }}
{{- $isForeign := include "herald.isForeignImage" $own.repository }}
{{- $repository := ternary $root.Values.image.repository $own.repository (or (not $own.repository) (eq $isForeign "true")) }}
{{- $ownTag := ternary "" $own.tag (eq $isForeign "true") }}
{{- $tag := coalesce $ownTag $root.Values.image.tag $root.Chart.AppVersion }}
image: {{ printf "%s:%s" $repository $tag | quote }}
{{- with coalesce $own.pullPolicy $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}

{{- define "herald.metricsPort" -}}
{{- default .Values.prometheus.metricsPort .Values.prometheus.secureMetricsPort }}
{{- end }}

{{- define "herald.tlsMinVersion" -}}
{{- $suites := coalesce .Values.tls.cipherSuites .Values.controller.tlsCipherSuites }}
{{- coalesce .Values.tls.minVersion .Values.controller.tlsMinVersion (ternary "VersionTLS12" "" (not (empty $suites))) }}
{{- end }}

{{/* Flags that all parts have: (list $ "speaker" "info"). */}}
{{- define "herald.commonArgs" -}}
{{- $root := index . 0 }}
- --port={{ include "herald.metricsPort" $root }}
{{- if $root.Values.prometheus.secureMetrics }}
- --secure-metrics
{{- end }}
- --log-level={{ index . 2 }}
{{- with $root.Values.loadBalancerClass }}
- --lb-class={{ . }}
{{- end }}
{{- with include "herald.tlsMinVersion" $root }}
- --tls-min-version={{ . }}
{{- end }}
{{- with coalesce $root.Values.tls.cipherSuites $root.Values.controller.tlsCipherSuites }}
- --tls-cipher-suites={{ . }}
{{- end }}
{{- with $root.Values.tls.curvePreferences }}
- --tls-curve-preferences={{ . }}
{{- end }}
{{- end }}

{{/* A flag for each value that is given, 0 included: (list values (dict "key" "flag")). */}}
{{- define "herald.flags" -}}
{{- $values := index . 0 }}
{{- $flags := list }}
{{- range $key, $flag := index . 1 }}
{{- $value := index $values $key }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
{{- $flags = append $flags (printf "- --%s=%s" $flag (ternary (toString $value) (toString (int64 $value)) (kindIs "string" $value))) }}
{{- end }}
{{- end }}
{{- join "\n" $flags }}
{{- end }}

{{- define "herald.identity" -}}
- name: METALLB_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: METALLB_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}

{{/* What a list or a start has used is given back to the node. */}}
{{- define "herald.smallHeap" -}}
- {name: MALLOC_MMAP_THRESHOLD_, value: "65536"}
- {name: MALLOC_TRIM_THRESHOLD_, value: "65536"}
{{- end }}

{{/* Probes of a part: (list values port host). */}}
{{- define "herald.probes" -}}
{{- $values := index . 0 }}{{- $host := index . 1 }}
{{- if $values.livenessProbe.enabled }}
startupProbe:
  httpGet: {path: /healthz, port: {{ $values.livenessProbe.port }}{{ with $host }}, host: {{ . }}{{ end }}}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: {{ $values.livenessProbe.port }}{{ with $host }}, host: {{ . }}{{ end }}}
  {{- omit $values.livenessProbe "enabled" "port" | toYaml | nindent 2 }}
{{- end }}
{{- if $values.readinessProbe.enabled }}
readinessProbe:
  httpGet: {path: /readyz, port: {{ $values.livenessProbe.port }}{{ with $host }}, host: {{ . }}{{ end }}}
  {{- omit $values.readinessProbe "enabled" "port" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a part's Pods may run: (list $ values). */}}
{{- define "herald.placement" -}}
{{- $root := index . 0 }}{{- $values := index . 1 }}
nodeSelector:
  kubernetes.io/os: linux
  {{- with $values.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "herald.annotations" -}}
{{- $root := index . 0 }}{{- $values := index . 1 }}
{{- if or $root.Values.prometheus.scrapeAnnotations $values.podAnnotations }}
annotations:
  {{- if $root.Values.prometheus.scrapeAnnotations }}
  prometheus.io/scrape: "true"
  prometheus.io/scheme: {{ ternary "https" "http" $root.Values.prometheus.secureMetrics }}
  prometheus.io/port: {{ include "herald.metricsPort" $root | quote }}
  {{- end }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "herald.hasController" -}}
{{- if and .Values.controller.enabled (ne .Values.controller.webhookMode "onlywebhook") }}true{{ end }}
{{- end }}

{{- define "herald.hasAdmission" -}}
{{- if and .Values.controller.enabled (ne .Values.controller.webhookMode "disabled") }}true{{ end }}
{{- end }}

{{/* "30s" as it is, 30 as "30s". */}}
{{- define "herald.interval" -}}
{{- if regexMatch "^[0-9]+$" (toString .) }}{{ . }}s{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* What an endpoint of a monitor says besides its port: (list $ monitor tlsConfig). */}}
{{- define "herald.scrape" -}}
{{- $root := index . 0 }}{{- $monitor := index . 1 }}{{- $tls := index . 2 }}
{{- if $root.Values.prometheus.secureMetrics }}
scheme: https
{{- with $tls }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- else }}
scheme: http
{{- end }}
{{- with $monitor.interval }}
interval: {{ include "herald.interval" . }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* "true" for an object in the cluster that is not this release's: Helm would refuse the whole release. Arguments: root, what lookup found. */}}
{{- define "herald.isOthers" -}}
{{- $root := index . 0 }}
{{- $annotations := dig "metadata" "annotations" dict (default dict (index . 1)) }}
{{- $isOwn := and (eq (index $annotations "meta.helm.sh/release-name" | default "") $root.Release.Name) (eq (index $annotations "meta.helm.sh/release-namespace" | default "") $root.Release.Namespace) }}
{{- and (index . 1 | not | not) (not $isOwn) }}
{{- end }}
