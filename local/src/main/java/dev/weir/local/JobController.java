package dev.weir.local;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodFluent;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs pods until as many have succeeded as a Job asks for, or too many have failed. */
final class JobController {
    static final String COMPONENT = "job-controller";
    private static final String INDEX = "batch.kubernetes.io/job-completion-index";
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(6);

    private final KubernetesClient client;
    private final SharedIndexInformer<Job> jobs;
    private final OwnedPods pods;
    private final EventRecorder events;

    JobController(KubernetesClient client, SharedIndexInformer<Job> jobs, OwnedPods pods, EventRecorder events) {
        this.client = client;
        this.jobs = jobs;
        this.pods = pods;
        this.events = events;
    }

    /** The pods of a job, by what has become of them. */
    private record Pods(List<Pod> active, List<Pod> succeeded, List<Pod> failed) {
        int restarts() {
            return active.stream()
                    .filter(pod -> pod.getStatus() != null)
                    .flatMap(pod -> pod.getStatus().getContainerStatuses().stream())
                    .mapToInt(ContainerStatus::getRestartCount)
                    .sum();
        }

        /** The indexes of those, of a job whose pods have one. */
        static Set<Integer> indexes(List<Pod> pods) {
            return pods.stream()
                    .map(pod -> pod.getMetadata().getAnnotations())
                    .filter(annotations -> annotations != null && annotations.containsKey(INDEX))
                    .map(annotations -> Integer.parseInt(annotations.get(INDEX)))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** @return when there is something to do again, if time alone brings it */
    Optional<Duration> reconcile(String key) {
        Job job = jobs.getIndexer().getByKey(key);
        if (job == null || job.getMetadata().getDeletionTimestamp() != null) {
            pods.forget(key);
            return Optional.empty();
        }
        Instant now = Instant.now();
        if (JobStatuses.finished(job)) {
            return expire(job, now);
        }
        if (!pods.caughtUp(key)) {
            return Optional.empty();
        }
        Pods own = pods(job);
        Optional<JobStatuses.End> end = end(job, own, now);
        boolean suspended = Boolean.TRUE.equals(job.getSpec().getSuspend());
        Optional<Duration> again = Optional.empty();
        if (end.isPresent() || suspended) {
            own.active().forEach(pod -> pods.delete(job, pod));
            own = new Pods(List.of(), own.succeeded(), own.failed());
        } else {
            again = scale(key, job, own, now);
            own = pods(job);
        }
        status(job, own, end, now);
        return Stream.of(again, untilDeadline(job, now))
                .flatMap(Optional::stream)
                .min(Comparator.naturalOrder());
    }

    private Pods pods(Job job) {
        List<Pod> all = pods.of(job, job.getSpec().getSelector());
        return new Pods(
                some(all, pod -> !OwnedPods.ended(pod) && !pods.leaving(pod)),
                some(all, pod -> OwnedPods.phase(pod, "Succeeded")),
                some(all, pod -> OwnedPods.phase(pod, "Failed")));
    }

    private static List<Pod> some(List<Pod> all, Predicate<Pod> which) {
        return all.stream().filter(which).toList();
    }

    /** Deletes a finished job when its time to live is over. */
    private Optional<Duration> expire(Job job, Instant now) {
        Integer seconds = job.getSpec().getTtlSecondsAfterFinished();
        if (seconds == null) {
            return Optional.empty();
        }
        Duration left = Duration.between(now, JobStatuses.finishTime(job).plusSeconds(seconds));
        if (left.isPositive()) {
            return Optional.of(left);
        }
        client.resource(job)
                .withPropagationPolicy(io.fabric8.kubernetes.api.model.DeletionPropagation.BACKGROUND)
                .delete();
        return Optional.empty();
    }

    private static boolean indexed(Job job) {
        return "Indexed".equals(job.getSpec().getCompletionMode());
    }

    /** How many have succeeded; of indexed ones each index counts once. */
    private static int succeeded(Job job, Pods own) {
        return indexed(job)
                ? Pods.indexes(own.succeeded()).size()
                : own.succeeded().size();
    }

    /** Whether the job is over, and how. */
    private static Optional<JobStatuses.End> end(Job job, Pods own, Instant now) {
        Integer completions = job.getSpec().getCompletions();
        int succeeded = succeeded(job, own);
        boolean complete = completions == null ? succeeded > 0 && own.active().isEmpty() : succeeded >= completions;
        if (complete) {
            return Optional.of(JobStatuses.End.COMPLETE);
        }
        int most = Objects.requireNonNullElse(job.getSpec().getBackoffLimit(), 6);
        if (own.failed().size() > most || onFailure(job) && own.restarts() > most) {
            return Optional.of(JobStatuses.End.TOO_MANY_FAILURES);
        }
        return untilDeadline(job, now).filter(left -> !left.isPositive()).map(_ -> JobStatuses.End.TOO_LATE);
    }

    private static boolean onFailure(Job job) {
        return "OnFailure".equals(job.getSpec().getTemplate().getSpec().getRestartPolicy());
    }

    private static Optional<Duration> untilDeadline(Job job, Instant now) {
        Long seconds = job.getSpec().getActiveDeadlineSeconds();
        String start = job.getStatus() == null ? null : job.getStatus().getStartTime();
        return seconds == null || start == null
                ? Optional.empty()
                : Optional.of(Duration.between(now, Instant.parse(start).plusSeconds(seconds)));
    }

    /** Brings the number of active pods to what is wanted; how long to wait for the next, if failures ask for a pause. */
    private Optional<Duration> scale(String key, Job job, Pods own, Instant now) {
        int parallel = Objects.requireNonNullElse(job.getSpec().getParallelism(), 1);
        Integer completions = job.getSpec().getCompletions();
        int succeeded = succeeded(job, own);
        int wanted = completions == null
                ? succeeded > 0 ? own.active().size() : parallel
                : Math.min(parallel, completions - succeeded);
        int missing = wanted - own.active().size();
        if (missing < 0) {
            own.active().stream()
                    .sorted(Comparator.comparing(OwnedPods::isReady))
                    .limit(-missing)
                    .forEach(pod -> pods.delete(job, pod));
            return Optional.empty();
        }
        Optional<Duration> pause = missing == 0 ? Optional.empty() : pause(own, now);
        if (pause.isPresent()) {
            return pause;
        }
        Set<Integer> taken = Pods.indexes(own.succeeded());
        taken.addAll(Pods.indexes(own.active()));
        for (int i = 0, index = 0; i < missing; i++, index++) {
            while (taken.contains(index)) {
                index++;
            }
            Optional<String> problem = pods.create(key, job, pod(job, indexed(job) ? index : null));
            if (problem.isPresent()) {
                throw new IllegalStateException(problem.get());
            }
        }
        return Optional.empty();
    }

    /** How long the next pod has to wait since the last one failed; pauses double. */
    private static Optional<Duration> pause(Pods own, Instant now) {
        Optional<Instant> last =
                own.failed().stream().map(JobController::endTime).max(Comparator.naturalOrder());
        int doublings = Math.min(own.failed().size() - 1, 16);
        return last.map(at -> {
                    Duration pause = FIRST_PAUSE.multipliedBy(1L << doublings);
                    return Duration.between(now, at.plus(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause));
                })
                .filter(left -> left.isPositive());
    }

    private static Instant endTime(Pod pod) {
        return pod.getStatus().getContainerStatuses().stream()
                .map(status -> status.getState().getTerminated())
                .filter(Objects::nonNull)
                .map(terminated -> Instant.parse(terminated.getFinishedAt()))
                .max(Comparator.naturalOrder())
                .orElse(Instant.parse(pod.getMetadata().getCreationTimestamp()));
    }

    private static Pod pod(Job job, @Nullable Integer index) {
        var template = job.getSpec().getTemplate();
        String prefix = job.getMetadata().getName() + "-" + (index == null ? "" : index + "-");
        PodFluent<PodBuilder>.MetadataNested<PodBuilder> metadata = new PodBuilder()
                .withNewMetadata()
                .withGenerateName(prefix)
                .withNamespace(job.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .withAnnotations(template.getMetadata().getAnnotations())
                .withOwnerReferences(Owners.reference(job));
        PodSpec spec = template.getSpec();
        if (index == null) {
            return metadata.endMetadata().withSpec(spec).build();
        }
        String text = Integer.toString(index);
        PodSpecBuilder indexed = new PodSpecBuilder(spec);
        indexed.withContainers(spec.getContainers().stream()
                .map(container -> new io.fabric8.kubernetes.api.model.ContainerBuilder(container)
                        .addToEnv(new EnvVarBuilder()
                                .withName("JOB_COMPLETION_INDEX")
                                .withValue(text)
                                .build())
                        .build())
                .toList());
        return metadata.addToLabels(Map.of(INDEX, text))
                .addToAnnotations(Map.of(INDEX, text))
                .endMetadata()
                .withSpec(indexed.build())
                .build();
    }

    private void status(Job job, Pods own, Optional<JobStatuses.End> end, Instant now) {
        JobStatuses.Counts counts = new JobStatuses.Counts(
                own.active().size(),
                (int) own.active().stream().filter(OwnedPods::isReady).count(),
                succeeded(job, own),
                own.failed().size(),
                indexed(job) ? Optional.of(Pods.indexes(own.succeeded())) : Optional.empty());
        JobStatus next = JobStatuses.next(job, counts, end, now);
        if (next.equals(job.getStatus())) {
            return;
        }
        client.resource(new JobBuilder(job).withStatus(next).build()).updateStatus();
        end.ifPresent(how -> events.record(
                job, new EventRecorder.Note(COMPONENT, how.eventType(), how.eventReason(), how.message(), "")));
        boolean suspended = JobStatuses.suspended(next);
        if (suspended != JobStatuses.suspended(job.getStatus())) {
            events.record(
                    job,
                    EventRecorder.Note.normal(
                            COMPONENT,
                            suspended ? "Suspended" : "Resumed",
                            suspended ? "Job suspended" : "Job resumed"));
        }
    }
}
