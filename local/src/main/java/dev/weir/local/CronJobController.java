package dev.weir.local;

import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.batch.v1.CronJobBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.CronJobStatus;
import io.fabric8.kubernetes.api.model.batch.v1.CronJobStatusBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Makes a Job at each time of a CronJob's schedule, and removes the oldest finished ones. */
final class CronJobController {
    private static final String COMPONENT = "cronjob-controller";
    private static final String TIME = "batch.kubernetes.io/cronjob-scheduled-timestamp";

    private final KubernetesClient client;
    private final Indexer<CronJob> cronJobs;
    private final Indexer<Job> jobs;
    private final EventRecorder events;

    CronJobController(KubernetesClient client, Indexer<CronJob> cronJobs, Indexer<Job> jobs, EventRecorder events) {
        this.client = client;
        this.cronJobs = cronJobs;
        this.jobs = jobs;
        this.events = events;
    }

    /** @return how long until the next time of the schedule */
    Optional<Duration> reconcile(String key) {
        CronJob cron = cronJobs.getByKey(key);
        if (cron == null || cron.getMetadata().getDeletionTimestamp() != null) {
            return Optional.empty();
        }
        List<Job> own = jobs.list().stream()
                .filter(job -> Owners.controls(cron, job))
                .sorted(Comparator.comparing(job -> job.getMetadata().getCreationTimestamp()))
                .toList();
        clean(cron, own);
        CronSchedule schedule;
        try {
            schedule = CronSchedule.parse(cron.getSpec().getSchedule(), zone(cron));
        } catch (IllegalArgumentException | DateTimeException malformed) {
            events.record(
                    cron,
                    EventRecorder.Note.warning(
                            COMPONENT, "UnparseableSchedule", String.valueOf(malformed.getMessage())));
            return Optional.empty();
        }
        ZonedDateTime now = ZonedDateTime.now(ZoneOffset.UTC);
        Optional<ZonedDateTime> due = due(cron, schedule, now);
        boolean suspended = Boolean.TRUE.equals(cron.getSpec().getSuspend());
        String last = cron.getStatus() == null ? null : cron.getStatus().getLastScheduleTime();
        if (due.isPresent() && !suspended && start(cron, own, due.get())) {
            last = due.get().toInstant().toString();
        }
        status(cron, own, last);
        return schedule.after(now).map(next -> Duration.between(now, next).plusMillis(1));
    }

    private static ZoneId zone(CronJob cron) {
        return cron.getSpec().getTimeZone() == null
                ? ZoneId.systemDefault()
                : ZoneId.of(cron.getSpec().getTimeZone());
    }

    /** The last time that has come since the last run; times before that were missed and are not made up for. */
    private static Optional<ZonedDateTime> due(CronJob cron, CronSchedule schedule, ZonedDateTime now) {
        String last = cron.getStatus() == null ? null : cron.getStatus().getLastScheduleTime();
        Instant since = Instant.parse(last == null ? cron.getMetadata().getCreationTimestamp() : last);
        Long deadline = cron.getSpec().getStartingDeadlineSeconds();
        if (deadline != null && now.toInstant().minusSeconds(deadline).isAfter(since)) {
            since = now.toInstant().minusSeconds(deadline);
        }
        Optional<ZonedDateTime> next = schedule.after(since.atZone(ZoneOffset.UTC));
        Optional<ZonedDateTime> due = Optional.empty();
        // a long sleep: what matters is the last of many missed times, which is within the last day or not at all
        if (next.isPresent() && next.get().isBefore(now.minusDays(1))) {
            next = schedule.after(now.minusDays(1));
        }
        while (next.isPresent() && !next.get().isAfter(now)) {
            due = next;
            next = schedule.after(next.get());
        }
        return due;
    }

    /** Whether the time is done with: a job was made for it, or others forbid it. */
    private boolean start(CronJob cron, List<Job> own, ZonedDateTime due) {
        List<Job> active =
                own.stream().filter(job -> !JobStatuses.finished(job)).toList();
        String policy = Objects.requireNonNullElse(cron.getSpec().getConcurrencyPolicy(), "Allow");
        if (policy.equals("Forbid") && !active.isEmpty()) {
            events.record(
                    cron,
                    EventRecorder.Note.normal(
                            COMPONENT,
                            "JobAlreadyActive",
                            "Not starting job because prior execution is running and concurrency policy is Forbid"));
            return false;
        }
        if (policy.equals("Replace")) {
            active.forEach(job -> delete(cron, job));
        }
        Job job = job(cron, due);
        try {
            client.resource(job).create();
            events.record(
                    cron,
                    EventRecorder.Note.normal(
                            COMPONENT,
                            "SuccessfulCreate",
                            "Created job " + job.getMetadata().getName()));
        } catch (KubernetesClientException there) {
            if (there.getCode() != 409) {
                throw there;
            }
        }
        return true;
    }

    private static Job job(CronJob cron, ZonedDateTime due) {
        var template = cron.getSpec().getJobTemplate();
        return new JobBuilder()
                .withNewMetadata()
                .withName(cron.getMetadata().getName() + "-" + due.toEpochSecond() / 60)
                .withNamespace(cron.getMetadata().getNamespace())
                .withLabels(
                        template.getMetadata() == null
                                ? null
                                : template.getMetadata().getLabels())
                .withAnnotations(
                        template.getMetadata() == null
                                ? null
                                : template.getMetadata().getAnnotations())
                .addToAnnotations(TIME, due.toOffsetDateTime().toString())
                .withOwnerReferences(Owners.reference(cron))
                .endMetadata()
                .withSpec(template.getSpec())
                .build();
    }

    private void delete(CronJob cron, Job job) {
        client.resource(job)
                .withPropagationPolicy(DeletionPropagation.BACKGROUND)
                .delete();
        events.record(
                cron,
                EventRecorder.Note.normal(
                        COMPONENT,
                        "SuccessfulDelete",
                        "Deleted job " + job.getMetadata().getName()));
    }

    private void clean(CronJob cron, List<Job> own) {
        clean(cron, own, "Complete", cron.getSpec().getSuccessfulJobsHistoryLimit(), 3);
        clean(cron, own, "Failed", cron.getSpec().getFailedJobsHistoryLimit(), 1);
    }

    private void clean(CronJob cron, List<Job> own, String how, @Nullable Integer limit, int standard) {
        List<Job> finished = own.stream()
                .filter(job -> job.getMetadata().getDeletionTimestamp() == null && JobStatuses.finished(job, how))
                .toList();
        finished.stream()
                .limit(Math.max(0, finished.size() - Objects.requireNonNullElse(limit, standard)))
                .forEach(job -> delete(cron, job));
    }

    private void status(CronJob cron, List<Job> own, @Nullable String last) {
        List<ObjectReference> active = own.stream()
                .filter(job -> !JobStatuses.finished(job))
                .map(job -> new ObjectReferenceBuilder()
                        .withApiVersion("batch/v1")
                        .withKind("Job")
                        .withName(job.getMetadata().getName())
                        .withNamespace(job.getMetadata().getNamespace())
                        .withUid(job.getMetadata().getUid())
                        .withResourceVersion(job.getMetadata().getResourceVersion())
                        .build())
                .toList();
        String success = own.stream()
                .map(job -> job.getStatus() == null ? null : job.getStatus().getCompletionTime())
                .filter(Objects::nonNull)
                .max(Comparator.naturalOrder())
                .orElse(cron.getStatus() == null ? null : cron.getStatus().getLastSuccessfulTime());
        CronJobStatus next = new CronJobStatusBuilder()
                .withActive(active)
                .withLastScheduleTime(last)
                .withLastSuccessfulTime(success)
                .build();
        if (!next.equals(cron.getStatus())) {
            client.resource(new CronJobBuilder(cron).withStatus(next).build()).updateStatus();
        }
    }
}
